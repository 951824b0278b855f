//! Cursors: where in a list the next page begins.

use crate::NotShown;

/// The place of an item in an ordered list: a number to sort by, and a name that tells equals apart.
///
/// As text it is `<order>~<name>`; `~` is in no name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) order: u64,
    pub(crate) name: String,
}

impl Place {
    pub(crate) fn read(cursor: &str) -> Result<Self, NotShown> {
        let (order, name) = cursor.split_once('~').ok_or(NotShown::BadCursor)?;
        let order = order.parse().map_err(|_no_number| NotShown::BadCursor)?;
        Ok(Self {
            order,
            name: name.to_owned(),
        })
    }

    pub(crate) fn write(order: u64, name: &str) -> String {
        format!("{order}~{name}")
    }
}

/// Cuts a short list that is in the order of names down to one page.
pub(crate) fn page_by_name<T>(
    items: Vec<T>,
    name: impl Fn(&T) -> &str,
    cursor: Option<&str>,
    limit: usize,
) -> (Vec<T>, Option<String>) {
    let mut rest = items
        .into_iter()
        .filter(|item| cursor.is_none_or(|cursor| name(item) > cursor));
    let page: Vec<T> = rest.by_ref().take(limit).collect();
    let next = rest
        .next()
        .and(page.last())
        .map(|last| name(last).to_owned());
    (page, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_cursor() {
        let place = Place::read(&Place::write(4, "cam-1")).unwrap();
        assert_eq!((place.order, place.name.as_str()), (4, "cam-1"));
    }

    #[test]
    fn refuses_a_cursor_of_another_make() {
        for cursor in ["", "cam-1", "x~cam-1", "-1~cam-1"] {
            assert!(
                matches!(Place::read(cursor), Err(NotShown::BadCursor)),
                "{cursor}"
            );
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let names = || vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let cut = |cursor, limit| page_by_name(names(), |name| name, cursor, limit);
        assert_eq!(
            cut(None, 2),
            (vec!["a".into(), "b".into()], Some("b".into()))
        );
        assert_eq!(cut(Some("b"), 2), (vec!["c".into()], None));
        assert_eq!(cut(None, 3).1, None);
    }
}
