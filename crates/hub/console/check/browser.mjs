// Debian's Chromium, and a way into a hub: what all the checks begin with.
//
//   CONSOLE_LINK: a one-time sign-in link; it is spent by whoever signs in first.
import { chromium } from "playwright-core";

const link = process.env.CONSOLE_LINK && new URL(process.env.CONSOLE_LINK);

export const at = (path) => new URL(path, link).href;

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});

// Spends the link in a context of the browser; gives the page that it leads to.
export async function signIn(context) {
  const page = await context.newPage();
  await page.goto(link.href);
  await page.locator("main form button[type=submit]").click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  return page;
}
