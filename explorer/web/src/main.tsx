import { render } from "preact";
import "./styles/base.css";
import "./styles/parts.css";
import { Shell } from "./app/shell";
import { start } from "./lib/chain";
import "./lib/theme";

start();
render(<Shell />, document.getElementById("app")!);
