// What is looked at: one line a page, each shown in both schemes and three widths.
//
// `path` is where it is; `reach` brings the page into the state to be looked at; `signedOut` is for pages that
// nobody has signed in to; `image` puts it among the pictures of the README, in this scheme.
// The fleet is the one of crates/hub/server/tests/e2e/console_look.rs.
export const PAGES = [
  { name: "overview", path: "/", image: "light" },
  { name: "devices", path: "/devices" },
  { name: "device", path: "/devices/CAM-7F31-0442", image: "light" },
  { name: "journal", path: "/journal" },
  { name: "journal-of-a-device", path: "/journal?device=CAM-7F31-0442" },
  { name: "entry", path: "/journal/10" },
  { name: "no-page", path: "/nothing", status: 404 },
  { name: "account-menu", path: "/", reach: (page) => page.locator(".who").click() },
  { name: "sign-in", path: "/sign-in", signedOut: true },
];
