//! Views that are queries: one file each.

/// The query of a view.
pub(super) fn definition(_schema: &str, _name: &str) -> Option<&'static str> {
    None
}
