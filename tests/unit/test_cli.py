import argparse
import ast
import json
import shlex
from pathlib import Path

import pytest

import saescope
from saescope.cli import demo
from saescope.cli.main import main, parser


@pytest.mark.parametrize("command", ["demo", "index", "info", "plugins", "registry"])
def test_help_of_a_command_says_what_each_argument_is(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: saescope {command}" in shown
    commands = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    for action in commands.choices[command]._actions:
        assert action.help
        assert (action.metavar or action.dest if not action.option_strings else action.option_strings[0]) in shown


def test_help_lists_every_command(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"saescope {c}" in shown for c in ("demo", "index", "info", "plugins"))


def test_the_version_is_the_package_s(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"saescope {saescope.__version__}\n"


def test_info_says_what_an_index_holds(opened, capsys):
    assert main(["info", str(opened.index.path)]) == 0
    shown = capsys.readouterr().out
    m = opened.index.manifest
    for said in (
        m.model["name"],
        m.sae["hook_name"],
        f"{m.n_rows:,}",
        f"{m.n_alive:,} of {m.d_sae:,}",
        "special tokens",
    ):
        assert said in shown


def test_info_verifies_every_part(opened, tmp_path, capsys):
    import shutil

    shutil.copytree(opened.index.path, tmp_path / "index")
    assert main(["info", "--verify", str(tmp_path / "index")]) == 0
    assert f"all {len(opened.index.manifest.parts)} parts are whole" in capsys.readouterr().out
    part = tmp_path / "index" / opened.index.manifest.folder / "tokens.bin"
    raw = bytearray(part.read_bytes())
    raw[len(raw) // 2] ^= 1
    part.write_bytes(raw)
    assert main(["info", "--verify", str(tmp_path / "index")]) == 1
    assert "tokens.bin was altered" in capsys.readouterr().err


def test_an_error_is_told_on_stderr_in_two_lines_with_status_1(tmp_path, capsys):
    assert main(["info", str(tmp_path / "nothing")]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    message, hint = told.err.splitlines()
    assert message == f"saescope: there is no index at {tmp_path / 'nothing'}."
    assert hint.strip().startswith("Build one")


def test_an_interrupt_is_told_with_status_130(monkeypatch, tmp_path, capsys):
    def interrupted(_path):
        raise KeyboardInterrupt

    monkeypatch.setattr("saescope.cli.info.read_manifest", interrupted)
    assert main(["info", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "saescope: stopped.\n"


def test_plugins_lists_every_kind_and_checks_that_each_imports(capsys):
    assert main(["plugins", "--check"]) == 0
    shown = capsys.readouterr().out
    for name in ("neighbors", "decoder", "panels", "browser", "sources", "release"):
        assert name in shown
    assert "FAILED" not in shown


@pytest.mark.parametrize("options", [[], ["--port", "9999"], ["--no-browser"]])
def test_the_demo_server_keeps_token_and_local_address(options):
    command = demo.command(parser().parse_args(["demo", *options]), Path("a.ipynb"))
    line = shlex.join(command)
    for word in ("token", "password", "IdentityProvider", "ip=", "allow_origin", "disable_check_xsrf", "0.0.0.0"):
        assert word not in line
    assert command[1:3] == ["-m", "jupyterlab"]
    assert "--LabApp.default_url=/lab/tree/a.ipynb" in command
    (settings,) = (word.partition("=")[2] for word in command if word.startswith("--ServerApp.tornado_settings="))
    assert ast.literal_eval(settings)["page_config_data"]["saescopeDemo"] == "a.ipynb"
    assert ("--ServerApp.port=9999" in command) == ("--port" in options)


def test_without_a_screen_the_demo_only_prints_its_address(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    options = parser().parse_args(["demo"])
    assert "--no-browser" in demo.command(options, Path("a.ipynb"))
    monkeypatch.setenv("DISPLAY", ":0")
    assert "--no-browser" not in demo.command(options, Path("a.ipynb"))


def test_the_registry_is_searched_and_filtered(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["registry", "gemma", "2", "2b", "res", "16k", "layer", "12", "--labels", "yes", "-n", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("gemma-scope-2b-pt-res-canonical/layer_12/width_16k/canonical  google/gemma-2-2b")
    assert "2 are shown" in lines[-1]
    assert (
        main(["registry", "--model", "gpt2", "--site", "resid", "--layer", "3", "--l0", "20:", "--format", "json"]) == 0
    )
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows
    assert all(r["layer"] == 3 and r["l0"] >= 20 and r["site"].startswith("resid") for r in rows)
    assert main(["registry", "nosuchwordatall"]) == 1
    assert capsys.readouterr().out == "0 SAEs match.\n"
    assert main(["registry", "--l0", "much"]) == 1
    assert "takes a range" in capsys.readouterr().err
    assert main(["registry", "--model", "nonsense"]) == 1
    assert "no SAE of the registry has the model" in capsys.readouterr().err
