// Looks at the pages of a running hub in Debian's Chromium, one after another, and prints what is wrong with them.
//
//   CONSOLE_LINK=<one-time sign-in link> node check.mjs
//
// For each page, scheme and width: accessibility (axe-core: WCAG 2.2 A and AA, best practice), sideways scrolling,
// targets under 24 px, errors in the browser's console (policy violations are among them), the status code.
// At each width a page is seen in one scheme, in turns; CONSOLE_ALL looks in both. CONSOLE_ONLY, CONSOLE_WIDTHS and
// CONSOLE_SCHEMES take less (commas between); CONSOLE_SHOTS names a folder for pictures of everything, CONSOLE_IMAGES
// one for the few of the README.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { at, launch, signIn } from "./browser.mjs";
import { PAGES } from "./pages.mjs";

const list = (name, otherwise) => (process.env[name] ? process.env[name].split(",") : otherwise);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const only = list("CONSOLE_ONLY");
const widths = list("CONSOLE_WIDTHS", ["360", "768", "1600"]).map(Number);
const schemes = list("CONSOLE_SCHEMES", ["light", "dark"]);
const { CONSOLE_ALL: all, CONSOLE_SHOTS: shots, CONSOLE_IMAGES: images } = process.env;
const pages = PAGES.filter((page) => !only || only.includes(page.name));
for (const folder of [shots, images]) if (folder) mkdirSync(folder, { recursive: true });

// Sideways: what reaches past the window, or past its own box where nothing scrolls; a field scrolls its own text.
const overflow = () => {
  const width = document.documentElement.clientWidth;
  const found = [];
  if (document.documentElement.scrollWidth > width) found.push(`the page scrolls to ${document.documentElement.scrollWidth}`);
  const name = (e) => `${e.tagName.toLowerCase()}.${e.className} “${(e.textContent || "").trim().slice(0, 30)}”`;
  for (const e of document.querySelectorAll("main *, .bar *, .side *, dialog *")) {
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height || e.closest("svg, .off, .skip, [popover]:not(:popover-open)")) continue;
    const style = getComputedStyle(e);
    if (style.clipPath !== "none") continue; // for the ear alone
    const scrolls = ["auto", "scroll"].includes(style.overflowX);
    const inside = e.parentElement.closest(".views, pre, .scroll-x");
    if (!inside && (box.right > width + 1 || box.left < -1)) found.push(`outside: ${name(e)}`);
    if (!inside && !scrolls && style.display !== "inline" && !e.matches("input") && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1) found.push(`too wide for its box: ${name(e)}`);
  }
  return found;
};

// WCAG 2.2, 2.5.8: 24 px, unless the target stands in a sentence.
const small = () => {
  const targets = [...document.querySelectorAll("a, button, input, select, textarea, summary")];
  const seen = targets.filter((e) => !e.closest(".off, .skip, label, [inert]") && e.type !== "hidden" && getComputedStyle(e).display !== "inline");
  return seen
    .map((e) => [e, e.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.width < 24 || box.height < 23.5))
    .map(([e, box]) => `small target: ${e.tagName.toLowerCase()}.${e.className} ${Math.round(box.width)} × ${Math.round(box.height)}`);
};

const rules = () =>
  axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } }).then((told) =>
    told.violations.map((rule) => `${rule.id}: ${rule.nodes.slice(0, 2).map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`).join(" | ")}`));

async function look(context, wanted, scheme, width) {
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) wrong.push(`console: ${message.text()}`); });
  page.on("pageerror", (error) => wrong.push(`script: ${error}`));
  const answer = await page.goto(at(wanted.path), { waitUntil: "load" });
  const status = wanted.status ?? 200;
  if (answer.status() !== status) wrong.push(`status ${answer.status()} instead of ${status}`);
  await wanted.reach?.(page);
  // The browser itself tells of each answer that is no success.
  const expected = [status, wanted.then].filter((code) => code >= 400);
  const told = wrong.filter((line) => !expected.some((code) => line.includes(`status of ${code}`)));
  wrong.splice(0, wrong.length, ...told);
  await page.evaluate(() => document.fonts.ready);
  if (shots) await page.screenshot({ path: path.join(shots, `${wanted.name}-${width}-${scheme}.png`), fullPage: !wanted.window });
  if (images && wanted.image === scheme && width === 1600) await page.screenshot({ path: path.join(images, `${wanted.name}.png`) });
  wrong.push(...(await page.evaluate(overflow)), ...(await page.evaluate(small)));
  await page.evaluate(axe);
  wrong.push(...(await page.evaluate(rules)));
  await page.close();
  return wrong;
}

const browser = await launch();
const door = await browser.newContext();
await signIn(door);
const signedIn = await door.storageState();
await door.close();

let wrong = 0;
let looks = 0;
for (const [inScheme, scheme] of schemes.entries()) {
  for (const [inWidth, width] of widths.entries()) {
    const view = { viewport: { width, height: width < 500 ? 780 : 1000 }, colorScheme: scheme, reducedMotion: "reduce" };
    const inside = await browser.newContext({ ...view, storageState: signedIn });
    const outside = await browser.newContext(view);
    for (const [inPages, wanted] of pages.entries()) {
      if (!all && (inScheme + inWidth + inPages) % schemes.length) continue;
      const found = await look(wanted.signedOut ? outside : inside, wanted, scheme, width);
      looks += 1;
      wrong += found.length;
      if (found.length) console.log(`${wanted.name}, ${width} px, ${scheme}\n${found.map((line) => `  ${line}\n`).join("")}`);
    }
    await inside.close();
    await outside.close();
  }
}
await browser.close();
console.log(`${looks} looks at ${pages.length} pages, ${wrong} remarks`);
process.exit(wrong ? 1 : 0);
