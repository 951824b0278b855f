// Makes a picture of a terminal's screen.
//
//   node terminal.mjs <file with the screen and its colours, as tmux captures it> <columns> <picture>
import { readFileSync } from "node:fs";
import { launch } from "./browser.mjs";

const [file, columns, picture] = process.argv.slice(2);

// SGR codes (ECMA-48 section 8.3.117) that the program uses, as classes; 0 takes all of them back.
const CLASSES = { 1: "bold", 2: "dim", 3: "italic", 4: "under", 7: "turned" };
const COLOURS = ["#5b6663", "#ff9f99", "#7ed6a3", "#f2c366", "#74bdea", "#d7a6e8", "#7fd4d4", "#e9eeec"];
const colour = (code) => COLOURS[code >= 90 ? code - 90 : code - 30];

const escaped = (text) => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function html(screen) {
  let style = { classes: new Set(), colour: "" };
  const parts = screen.split(/\x1b\[([\d;]*)m/);
  return parts.map((part, index) => {
    if (index % 2 === 0) return part && `<span class="${[...style.classes].join(" ")}"${style.colour ? ` style="--ink:${style.colour}"` : ""}>${escaped(part)}</span>`;
    for (const code of (part || "0").split(";").map(Number)) {
      if (code === 0) style = { classes: new Set(), colour: "" };
      else if (CLASSES[code]) style.classes.add(CLASSES[code]);
      else if (code === 22) ["bold", "dim"].forEach((name) => style.classes.delete(name));
      else if (code === 27) style.classes.delete("turned");
      else if (code === 39) style.colour = "";
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) style.colour = colour(code);
    }
    return "";
  }).join("");
}

const screen = readFileSync(file, "utf8").replace(/\x1b[()][A-Z0-9]/g, "").replace(/\n=ended=[^]*$/, "\n").replace(/\s+$/, "\n");
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, deviceScaleFactor: 1 });
await page.setContent(`<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; background: #0e1110; }
  pre { display: inline-block; box-sizing: content-box; inline-size: ${columns}ch; margin: 0; padding: 14px 16px; background: #0e1110;
    font: 13px/18px "DejaVu Sans Mono", monospace; color: #e9eeec; }
  span { --ink: #e9eeec; color: var(--ink); }
  .bold { font-weight: 700; } .dim { opacity: .7; } .italic { font-style: italic; } .under { text-decoration: underline; }
  .turned { background: var(--ink); color: #0e1110; }
</style><pre>${html(screen)}</pre>`);
await page.locator("pre").screenshot({ path: picture });
await browser.close();
