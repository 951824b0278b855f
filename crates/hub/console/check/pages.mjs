// What is looked at: one line a page, each shown in both schemes and three widths.
//
// `path` is where it is and `status` what it answers; `reach` brings the page into the state to be looked at, by a
// form that answers `then`; `window` takes the picture of the window alone; `signedOut` is for pages that
// nobody has signed in to; `image` puts it among the pictures of the README, in this scheme.
// The fleet is the one of crates/hub/server/tests/e2e/console_look.rs.

// Fills a form in and sends it.
const send = (form, fields) => async (page) => {
  for (const [name, text] of Object.entries(fields)) await page.locator(`${form} [name="${name}"]`).fill(text);
  await page.locator(`${form} button[type="submit"]`).first().click();
  await page.waitForLoadState();
};

// Claims two devices from a list.
const claimed = async (page) => {
  await send(".form", { text: "LAB-1,camera,7d\nLAB-2,gateway" })(page);
  await page.getByRole("button", { name: /^Claim 2/ }).click();
  await page.waitForLoadState();
};

// Changes the text of a profile and asks what would follow.
const edited = (change) => async (page) => {
  const toml = await page.locator("#toml").inputValue();
  await send(".form", { toml: change(toml) })(page);
};

const THREE = "id=CAM-7F31-0440&id=CAM-7F31-0441&id=SEN-20C4-0001";

// Ticks rows of the list; where it is narrow there is nothing to tick.
async function pick(page, ids) {
  for (const id of ids) {
    const box = page.locator(`input[value="${id}"]`);
    if (await box.isVisible()) await box.check();
  }
}

// Gives an order whose form is wrong.
async function order(page, why, typed) {
  await page.locator("#why").fill(why);
  await page.locator("#typed").fill(typed);
  await page.locator("dialog button[type=submit]").click();
  await page.locator("[role=alert]").waitFor();
}

export const PAGES = [
  { name: "overview", path: "/" },
  { name: "devices", path: "/devices", image: "light" },
  { name: "devices-filtered", path: "/devices?lifecycle=active&profile=camera&connected=false&sort=id" },
  { name: "devices-none", path: "/devices?lifecycle=retired&profile=gateway&tier=warning" },
  { name: "devices-picked", path: "/devices?sort=id", reach: (page) => pick(page, ["CAM-7F31-0440", "CAM-7F31-0441"]) },
  { name: "device", path: "/devices/CAM-7F31-0442", image: "dark" },
  { name: "device-connected", path: "/devices/GTW-5A09-0007" },
  { name: "device-claimed", path: "/devices/" + "W".repeat(64) },
  { name: "device-retired", path: "/devices/CAM-7F31-0444" },
  { name: "order-quarantine", path: "/devices/CAM-7F31-0440?order=quarantine", window: true },
  { name: "order-release", path: "/devices/CAM-7F31-0442?order=release", window: true, image: "light" },
  { name: "order-retire", path: "/devices/CAM-7F31-0440?order=retire", window: true },
  { name: "order-refused", then: 422, path: "/devices/CAM-7F31-0440?order=release", window: true },
  { name: "order-wrong", path: "/devices/CAM-7F31-0440?order=retire", then: 422, window: true, reach: (page) => order(page, "", "CAM") },
  { name: "orders", path: `/orders?order=quarantine&${THREE}`, window: true },
  { name: "orders-retire", path: `/orders?order=retire&${THREE}`, window: true },
  { name: "orders-done", path: `/orders/done?order=quarantine&since=0&${THREE}` },
  { name: "view-save", path: "/views?lifecycle=quarantined&profile=camera" },
  { name: "onboard", path: "/onboard" },
  { name: "onboard-refused", then: 422, path: "/onboard", reach: send(".form", { serial: "no such serial!" }) },
  { name: "onboard-list", path: "/onboard/many" },
  { name: "onboard-list-refused", then: 422, path: "/onboard/many", reach: send(".form", { text: "serial,profile\nSEN-1\nCAM-7F31-0442,camera" }) },
  { name: "onboard-list-checked", path: "/onboard/many", reach: send(".form", { text: "LAB-1,camera,7d\nLAB-2,gateway\n" + "W".repeat(64) + ",camera" }) },
  { name: "token", path: "/onboard", reach: send(".form", { serial: "LAB-9" }) },
  { name: "tokens", path: "/onboard/many", reach: claimed },
  { name: "labels", path: "/onboard/many", reach: async (page) => { await claimed(page); await page.getByText("Labels to print").click(); } },
  { name: "withdraw", path: "/onboard/withdraw/SEN-20C4-0001" },
  { name: "makers", path: "/onboard/makers" },
  { name: "makers-refused", then: 422, path: "/onboard/makers", reach: send(".form", { name: "acme", pem: "no PEM" }) },
  { name: "services", path: "/services" },
  { name: "service", path: "/services/backend" },
  { name: "service-new", path: "/services/new" },
  { name: "service-refused", then: 422, path: "/services/new", reach: send(".form", { name: "backend 2", publish: "d/#/up" }) },
  { name: "service-issued", path: "/services/new", reach: send(".form", { name: "look", subscribe: "d/+/up/#" }) },
  { name: "service-revoke", path: "/services/backend/revoke" },
  { name: "profiles", path: "/profiles" },
  { name: "profile", path: "/profiles/camera" },
  { name: "profile-edit", path: "/profiles/camera/edit" },
  { name: "profile-preview", path: "/profiles/camera/edit", reach: edited((toml) => toml.replace("messages_per_s = 50", "messages_per_s = 5").replace("d/{device}/up/#", "d/{device}/up/state").replace("certificate_days = 90", "certificate_days = 30")) },
  { name: "profile-refused", then: 422, path: "/profiles/camera/edit", reach: edited((toml) => toml.replace("[topics]", "[topocs]")) },
  { name: "settings", path: "/settings" },
  { name: "settings-refused", then: 422, path: "/settings", reach: send("main .form", { name: "no name!" }) },
  { name: "password-first", path: "/settings/password?first=true" },
  { name: "password-refused", then: 422, path: "/settings/password", reach: send("main .form", { password: "short", again: "short" }) },
  { name: "token-revoke", path: "/settings/tokens/ci/revoke" },
  { name: "sessions-end", path: "/settings/sessions/end" },
  { name: "clock", path: "/settings/clock" },
  { name: "clock-refused", then: 422, path: "/settings/clock", reach: send("main form", { why: "" }) },
  { name: "journal", path: "/journal" },
  { name: "journal-filtered", path: "/journal?kind=device.&who=admin&since=2020" },
  { name: "journal-nothing", path: "/journal?who=nobody" },
  { name: "journal-of-a-device", path: "/journal?device=CAM-7F31-0442" },
  { name: "entry", path: "/journal/10", image: "light" },
  { name: "no-page", path: "/nothing", status: 404 },
  { name: "account-menu", path: "/", reach: (page) => page.locator(".who").click() },
  { name: "sign-in", path: "/sign-in", signedOut: true },
];
