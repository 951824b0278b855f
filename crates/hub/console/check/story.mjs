// Looks at the Overview of the demonstration's hub, once for each name on standard input.
//
//   CONSOLE_LINK=<one-time sign-in link> node story.mjs
//
// It must say that it is a demonstration, and hold in the width it is seen at. CONSOLE_IMAGES names a folder for the
// pictures.
import path from "node:path";
import { createInterface } from "node:readline";
import { mkdirSync } from "node:fs";
import { at, launch, signIn } from "./browser.mjs";

const { CONSOLE_IMAGES: images } = process.env;
if (images) mkdirSync(images, { recursive: true });
const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light", reducedMotion: "reduce" });
const page = await signIn(context);
for await (const name of createInterface({ input: process.stdin })) {
  await page.goto(at("/"), { waitUntil: "load" });
  await page.getByText("Live", { exact: true }).waitFor();
  const said = await page.locator(".demo:visible").innerText();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  if (!said.startsWith("Demonstration") || wide) {
    console.log(`wrong at ${name}: ${said}, wide: ${wide}`);
    process.exit(1);
  }
  if (images) await page.screenshot({ path: path.join(images, `${name}.png`) });
  console.log(`seen ${name}: ${await page.locator("h1").innerText()}`);
}
await browser.close();
