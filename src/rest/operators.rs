//! The relational operators of a request: which objects, which of their members, in which order, which page.
//!
//! They are read here and become operators of the plan in [`listing`](super::listing). A mistake in one is refused with
//! its name and place: a list that was not filtered would be taken for one that was.

use super::filter::Filter;
use super::parameters::{Parameters, shorten};
use super::refusal::Refusal;

/// How many filters, orders and fields a request may have.
const ITEMS_MAX: usize = 256;

/// What a request asks of a collection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operators {
    /// All of these must hold.
    pub filters: Vec<Filter>,
    /// The only members to be shown, as paths; all when not given.
    pub fields: Option<Vec<Vec<String>>>,
    /// What comes first decides.
    pub sort: Vec<SortBy>,
    /// The page to be shown.
    pub page: Option<Page>,
}

/// A member that objects are ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortBy {
    /// Its path.
    pub path: Vec<String>,
    /// Largest first.
    pub descending: bool,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Objects on a page; at least one.
    pub size: usize,
    /// Counted from 0.
    pub number: usize,
}

impl Page {
    /// Objects on the pages before.
    pub fn skipped(self) -> usize {
        self.size * self.number
    }

    /// The number of the last page of so many objects.
    pub fn last(self, total: usize) -> usize {
        total.div_ceil(self.size).saturating_sub(1)
    }
}

impl Operators {
    /// Reads all operators of a request for this resource.
    ///
    /// # Errors
    /// 400, with the parameter and the place.
    pub fn parse(parameters: &Parameters, resource: &str) -> Result<Self, Refusal> {
        let mut operators = Self::default();
        let (mut size, mut number) = (None, None);
        for (name, value) in parameters.pairs() {
            let (family, inner) = family(name)?;
            match (family, inner) {
                ("filter", None) => operators.filters.push(Filter::of_pointer(value)?),
                ("filter", Some(path)) => operators.filters.push(Filter::of_path(path, value)?),
                ("fields", Some(of)) if of == resource => {
                    operators.fields = Some(paths(name, value)?);
                }
                // Other resources are not part of the document.
                ("fields", Some(_)) => {}
                ("fields", None) => {
                    return Err(Refusal::bad_request(format!(
                        "fields needs the resource that it is about: fields[{resource}]"
                    )));
                }
                ("sort", None) => operators.sort = sort(value)?,
                ("page", Some("size")) => size = Some(count(name, value, 1)?),
                ("page", Some("number")) => number = Some(count(name, value, 0)?),
                ("page" | "sort", _) => {
                    return Err(Refusal::bad_request(format!(
                        "{:?} is no parameter: there are sort, page[size] and page[number]",
                        shorten(name)
                    )));
                }
                _ => {}
            }
            if operators.filters.len() > ITEMS_MAX {
                return Err(too_many("filter"));
            }
        }
        operators.page = match (size, number.unwrap_or(0)) {
            (Some(size), number) => {
                let page = Page { size, number };
                let end = number
                    .checked_add(1)
                    .and_then(|pages| pages.checked_mul(size));
                let end = end.filter(|end| i64::try_from(*end).is_ok());
                Some(end.map(|_| page).ok_or_else(|| {
                    Refusal::bad_request("page[number] and page[size] are too large together")
                })?)
            }
            (None, _) if number.is_some() => {
                return Err(Refusal::bad_request("page[number] needs page[size]"));
            }
            (None, _) => None,
        };
        Ok(operators)
    }

    /// Reads the operators of a request for one object: it has no rows to choose from.
    ///
    /// # Errors
    /// 400, with the parameter.
    pub fn of_one(parameters: &Parameters, resource: &str) -> Result<Self, Refusal> {
        let operators = Self::parse(parameters, resource)?;
        let wrong = match &operators {
            Self { filters, .. } if !filters.is_empty() => "filter",
            Self { sort, .. } if !sort.is_empty() => "sort",
            Self { page: Some(_), .. } => "page",
            _ => return Ok(operators),
        };
        Err(Refusal::bad_request(format!(
            "{wrong} is for lists: this is one resource"
        )))
    }

    /// Whether nothing is asked for.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A parameter's name and what stands in its brackets.
fn family(name: &str) -> Result<(&str, Option<&str>), Refusal> {
    let Some((family, rest)) = name.split_once('[') else {
        return Ok((name, None));
    };
    if !["filter", "fields", "sort", "page"].contains(&family) {
        return Ok((name, None));
    }
    match rest.strip_suffix(']') {
        Some(inner) => Ok((family, Some(inner))),
        None => Err(Refusal::bad_request(format!(
            "the bracket in {:?} is not closed",
            shorten(name)
        ))),
    }
}

fn too_many(name: &str) -> Refusal {
    Refusal::bad_request(format!("{name} names more than {ITEMS_MAX}"))
}

/// Members as they are named in lists: `idle`, `statistics/connections`, `attributes/idle`.
fn paths(name: &str, value: &str) -> Result<Vec<Vec<String>>, Refusal> {
    let items = value.split(',').filter(|item| !item.is_empty());
    let path = |item: &str| {
        let item = item.strip_prefix('/').unwrap_or(item);
        item.split('/').map(str::to_owned).collect()
    };
    let paths: Vec<_> = items.map(path).collect();
    match paths.len() <= ITEMS_MAX {
        true => Ok(paths),
        false => Err(too_many(name)),
    }
}

fn sort(value: &str) -> Result<Vec<SortBy>, Refusal> {
    let mut sort = Vec::new();
    for item in value.split(',').filter(|item| !item.is_empty()) {
        let (member, descending) = match item.strip_prefix('-') {
            Some(member) => (member, true),
            None => (item, false),
        };
        let path = member.split(['/', '.']).map(str::to_owned).collect();
        sort.push(SortBy { path, descending });
    }
    match sort.len() {
        0 => Err(Refusal::bad_request("sort names no member")),
        items if items > ITEMS_MAX => Err(too_many("sort")),
        _ => Ok(sort),
    }
}

fn count(name: &str, value: &str, least: usize) -> Result<usize, Refusal> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| value.parse().ok()).flatten();
    number.filter(|number| *number >= least).ok_or_else(|| {
        let shown = shorten(value);
        Refusal::bad_request(format!(
            "{name} is a whole number from {least} on, not {shown:?}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(query: &str) -> Result<Operators, String> {
        Operators::parse(&Parameters::parse(Some(query)), "sessions")
            .map_err(|refusal| refusal.detail().to_owned())
    }

    #[test]
    fn operators_are_read() {
        assert!(parse("").unwrap().is_none());
        assert!(
            parse("pretty=true&x[filter]=1&filters=1&fields[services]=a")
                .unwrap()
                .is_none()
        );
        let operators = parse(
            "filter=id=9&filter%5Battributes.user%5D=%22a%22&fields[sessions]=user,client/cipher&sort=-idle,user\
             &page%5Bsize%5D=10&page[number]=3",
        );
        let operators = operators.unwrap();
        assert_eq!(operators.filters.len(), 2);
        let fields = operators.fields.unwrap();
        assert_eq!(fields, [vec!["user"], vec!["client", "cipher"]]);
        let sort: Vec<_> = operators
            .sort
            .iter()
            .map(|by| (by.path.join("/"), by.descending))
            .collect();
        assert_eq!(
            sort,
            [("idle".to_owned(), true), ("user".to_owned(), false)]
        );
        assert_eq!(
            operators.page,
            Some(Page {
                size: 10,
                number: 3
            })
        );
        assert_eq!(parse("fields[sessions]=").unwrap().fields, Some(Vec::new()));
    }

    #[test]
    fn mistakes_are_named() {
        for (query, named) in [
            ("filter=/attributes/user", "no '='"),
            ("filter[id=1", "not closed"),
            ("fields=user", "fields[sessions]"),
            ("sort=", "sort names no member"),
            ("sort[a]=b", "sort[a]"),
            ("page=1", "\"page\""),
            ("page[offset]=1", "page[offset]"),
            ("page[size]=0", "page[size]"),
            ("page[size]=ten", "\"ten\""),
            ("page[size]=-1", "\"-1\""),
            ("page[size]=99999999999999999999", "page[size]"),
            ("page[number]=1", "needs page[size]"),
            (
                "page[size]=9223372036854775807&page[number]=5",
                "too large together",
            ),
        ] {
            let refused = parse(query).unwrap_err();
            assert!(refused.contains(named), "{query}: {refused}");
        }
    }

    #[test]
    fn pages_have_a_last_one() {
        let page = Page {
            size: 10,
            number: 2,
        };
        assert_eq!(page.skipped(), 20);
        let lasts = [0, 1, 10, 11, 20].map(|total| page.last(total));
        assert_eq!(lasts, [0, 0, 0, 1, 1]);
    }

    proptest! {
        #[test]
        fn any_query_string_reads(query in any::<String>()) {
            let _ = parse(&query);
        }

        #[test]
        fn any_operator_reads(query in "((filter|fields|sort|page)(\\[[a-z.*]{0,6}\\]?)?=[a-z0-9,=/\"()-]{0,12}&){0,4}") {
            let _ = parse(&query);
        }
    }
}
