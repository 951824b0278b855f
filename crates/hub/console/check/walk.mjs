// Walks, in a browser that runs no script, through what people do every day.
//
//   CONSOLE_LINK=<one-time sign-in link> node walk.mjs
//
// The fleet is that of `each_flow_works_with_scripts_off` in crates/hub/server/tests/e2e/console_look.rs: cam-1 to
// cam-3 active, 30 serials claimed, no password set.
import assert from "node:assert/strict";
import { at, launch, signIn } from "./browser.mjs";

const PASSWORD = "four words make one password";

const browser = await launch();
const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
context.setDefaultTimeout(10_000);

const press = (page, name) => page.getByRole("button", { name, exact: typeof name === "string" }).first().click();
const follow = (page, name) => page.getByRole("link", { name, exact: typeof name === "string" }).first().click();
const heading = (page) => page.locator("h1").last().innerText();
const ids = (page) => page.locator(".devices tbody th .id").allInnerTexts();
const toast = async (page, told) => assert.match(await page.locator(".toast").innerText(), told);
const state = async (page, word) => assert.equal(await page.locator(".head .life").innerText(), word);

// Gives an order on its own page; one that takes rights away is refused beside the field until it has a reason.
async function order(page, verb, device) {
  await follow(page, new RegExp(`^${verb} …`));
  assert.match(await heading(page), new RegExp(`^${verb} ${device}`));
  if (verb === "Quarantine") {
    await page.locator("dialog button[type=submit]").click();
    await page.locator("#why-e").waitFor();
  }
  await page.locator("#why").fill("a walk through the console");
  await page.locator("dialog button[type=submit]").click();
}

const FLOWS = {
  "sign in by link, set a password, sign out, sign in by password": async () => {
    const page = await signIn(context);
    assert.match(page.url(), /\/settings\/password/);
    for (const field of ["#password", "#again"]) await page.locator(field).fill(PASSWORD);
    await press(page, "Set the password");
    await toast(page, /The password is set/);
    await page.locator(".who").click();
    await press(page, "Sign out");
    assert.equal(await heading(page), "You are signed out");
    await page.locator("#password").fill("not the password at all");
    await press(page, "Sign in");
    await page.locator("#password-e").waitFor();
    await page.locator("#password").fill(PASSWORD);
    await press(page, "Sign in");
    assert.equal(new URL(page.url()).pathname, "/");
    return page;
  },
  "filter and sort devices, turn the page, leave a filter out": async (page) => {
    await follow(page, /^Devices/);
    assert.equal((await ids(page)).length, 25);
    await follow(page, "Next page");
    assert.equal((await ids(page)).length, 8);
    await page.getByLabel("Lifecycle").selectOption("active");
    await press(page, "Apply");
    assert.deepEqual((await ids(page)).sort(), ["cam-1", "cam-2", "cam-3"]);
    await follow(page, "Device");
    assert.deepEqual(await ids(page), ["cam-1", "cam-2", "cam-3"]);
    await follow(page, "Device");
    assert.deepEqual(await ids(page), ["cam-3", "cam-2", "cam-1"]);
    await follow(page, /^lifecycle is active/);
    assert.equal((await ids(page)).length, 25);
  },
  "save a view and remove it": async (page) => {
    await page.goto(at("/devices?lifecycle=active"));
    await follow(page, "Save this view");
    await page.locator("#name").fill("at-work");
    await press(page, "Save the view");
    await toast(page, /view at-work is saved/);
    await press(page, "Remove the view at-work");
    await toast(page, /view at-work is removed/);
  },
  "quarantine a device and release it": async (page) => {
    await page.goto(at("/devices/cam-1"));
    await order(page, "Quarantine", "cam-1");
    await toast(page, /cam-1 was quarantined by admin/);
    await state(page, "Quarantined");
    await order(page, "Release", "cam-1");
    await toast(page, /quarantine of cam-1/);
    await state(page, "Active");
  },
  "pick two devices and quarantine both": async (page) => {
    await page.goto(at("/devices?lifecycle=active&sort=id"));
    for (const id of ["cam-1", "cam-2"]) await page.locator(`input[value="${id}"]`).check();
    await page.locator('.bulk button[value="quarantine"]').click();
    assert.match(await heading(page), /^Quarantine 2 devices/);
    await page.locator("#why").fill("a walk through the console");
    await page.locator("dialog button[type=submit]").click();
    await page.goto(at("/devices?lifecycle=quarantined&sort=id"));
    assert.deepEqual(await ids(page), ["cam-1", "cam-2"]);
  },
  "claim a serial, put its token away, withdraw the claim": async (page) => {
    await page.goto(at("/onboard"));
    await page.locator("#serial").fill("walk-1");
    await press(page, "Claim this device");
    assert.match(await page.locator(".secret").innerText(), /\S{16}/);
    await press(page, /put .*away/i);
    await page.goto(at("/onboard/withdraw/walk-1"));
    await press(page, "Withdraw the claim of walk-1");
    await toast(page, /claim of walk-1 is withdrawn/);
    await page.goto(at("/devices?lifecycle=withdrawn"));
    assert.deepEqual(await ids(page), ["walk-1"]);
  },
  "claim a list of serials": async (page) => {
    await page.goto(at("/onboard/many"));
    await page.locator("#text").fill("walk-2,camera,7d\nwalk-3,gateway");
    await page.locator("main form button[type=submit]").first().click();
    await press(page, /^Claim 2/);
    await follow(page, /^Labels to print/);
    assert.equal(await page.locator(".labels li").count(), 2);
  },
  "make a service, and a token that is revoked": async (page) => {
    await page.goto(at("/services"));
    await follow(page, "New service");
    await page.locator("#name").fill("walk");
    await page.locator("#subscribe").fill("d/+/up/#");
    await press(page, "Make this service");
    assert.match(await page.locator("main").innerText(), /BEGIN PRIVATE KEY[^]*BEGIN CERTIFICATE/);
    await press(page, "Done, put away");
    await page.goto(at("/settings"));
    await page.locator("main #name").fill("walk");
    await press(page, "Make a token");
    assert.match(await page.locator(".secret").innerText(), /\S{16}/);
    await press(page, "Done, put away");
    await page.goto(at("/settings/tokens/walk/revoke"));
    await page.locator("main form button[type=submit]").click();
    await toast(page, /The token is revoked/);
  },
  "edit a profile, see what would change, apply it": async (page) => {
    await page.goto(at("/profiles/camera"));
    await follow(page, "Edit …");
    const toml = await page.locator("#toml").inputValue();
    await page.locator("#toml").fill(toml.replace("messages_per_s = 50", "messages_per_s = 5"));
    await press(page, "Show what would change");
    assert.match(await page.locator(".change").first().innerText(), /50/);
    await page.locator('form[action="/profiles/camera/apply"] button').click();
    await toast(page, /camera is in force/);
    assert.match(await page.locator("main .cmd").first().innerText(), /messages_per_s = 5\n/);
  },
};

let page;
for (const [name, walk] of Object.entries(FLOWS)) {
  try {
    page = (await walk(page)) ?? page;
  } catch (cause) {
    console.log(`${name}: ${cause.stack}\nat ${page?.url()}\n${await page?.locator("main").last().innerText()}`);
    process.exit(1);
  }
  console.log(name);
}
await browser.close();
console.log(`${Object.keys(FLOWS).length} flows without scripts`);
