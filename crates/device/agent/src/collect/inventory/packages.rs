//! What is installed: `name version`, as dpkg, opkg or apk keep it.

use std::path::Path;

use super::text;

pub(super) fn installed(root: &Path) -> Vec<String> {
    let mut packages = Vec::new();
    for path in DPKG_AND_OPKG {
        packages.extend(paragraphs(
            &text(root, path).unwrap_or_default(),
            "Package: ",
            "Version: ",
        ));
    }
    packages.extend(paragraphs(&text(root, APK).unwrap_or_default(), "P:", "V:"));
    packages
}

/// Name and version of each paragraph; one that says that it is not installed is passed over.
fn paragraphs(text: &str, name_is: &str, version_is: &str) -> Vec<String> {
    let packages = text.split("\n\n").filter_map(|paragraph| {
        let field = |is: &str| paragraph.lines().find_map(|line| line.strip_prefix(is));
        let (name, version) = (field(name_is)?, field(version_is)?);
        let gone = field("Status: ").is_some_and(|status| !status.ends_with(" installed"));
        (!gone).then(|| format!("{name} {version}"))
    });
    packages.collect()
}

/// Both write paragraphs of the same fields.
const DPKG_AND_OPKG: [&str; 3] = [
    "var/lib/dpkg/status",
    "usr/lib/opkg/status",
    "var/lib/opkg/status",
];
const APK: &str = "lib/apk/db/installed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_dpkg_and_apk_write() {
        let dpkg = "Package: a\nStatus: install ok installed\nVersion: 1.2-3\n\n\
                    Package: b\nStatus: deinstall ok config-files\nVersion: 9\n";
        assert_eq!(paragraphs(dpkg, "Package: ", "Version: "), ["a 1.2-3"]);
        let apk = "C:Q1x=\nP:musl\nV:1.2.5-r0\n\nC:Q1y=\nP:no-version\n";
        assert_eq!(paragraphs(apk, "P:", "V:"), ["musl 1.2.5-r0"]);
    }

    #[test]
    fn finds_this_machines_packages() {
        if Path::new("/var/lib/dpkg/status").exists() {
            assert!(installed(Path::new("/")).len() > 50);
        }
    }
}
