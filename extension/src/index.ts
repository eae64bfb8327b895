import { mimeRenderer } from "./mime";
import { sidebar } from "./sidebar";

export default [sidebar, mimeRenderer];
