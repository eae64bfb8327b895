import { LabIcon } from "@jupyterlab/ui-components";
import svgstr from "../style/icon.svg";

export const saescopeIcon = new LabIcon({ name: "saescope:icon", svgstr });
