//! Who may be a user here: `name:uid` of every line of `/etc/passwd`.

use std::path::Path;

use super::text;

pub(super) fn all(root: &Path) -> Vec<String> {
    let passwd = text(root, "etc/passwd").unwrap_or_default();
    let users = passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = fields.nth(1)?;
        Some(format!("{name}:{uid}"))
    });
    users.collect()
}
