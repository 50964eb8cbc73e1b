//! `[filters.NAME]`: what sees the traffic of services' sessions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::{FilterConfig, FilterModule, QueryLogConfig, schema};
use super::Checker;

const QLAFILTER: &str = "qlafilter";
const ROTATE_MIB_DEFAULT: u64 = 100;
/// 1 TiB.
const ROTATE_MIB_MAX: i64 = 1 << 20;
const FILES_MAX_DEFAULT: u32 = 5;
const FILES_MAX_MAX: i64 = 1000;

impl Checker<'_> {
    /// All filters, in the order of their names; a value that was refused is replaced by a harmless one.
    pub(super) fn filters(
        &mut self,
        written: BTreeMap<String, schema::Filter>,
    ) -> Vec<FilterConfig> {
        let filters: Vec<_> = written
            .into_iter()
            .map(|(name, filter)| self.filter(name, filter))
            .collect();
        let mut files: BTreeMap<&PathBuf, &str> = BTreeMap::new();
        for filter in &filters {
            let FilterModule::QueryLog(QueryLogConfig { file, .. }) = &filter.module;
            if let Some(other) = files.insert(file, &filter.name) {
                let message = format!("filter {other:?} writes this file already");
                self.report(&["filters", &filter.name, "file"], message);
            }
        }
        filters
    }

    fn filter(&mut self, name: String, written: schema::Filter) -> FilterConfig {
        self.name("filters", "filter", &name);
        let path = |key| ["filters", name.as_str(), key];
        match written.module.as_deref() {
            Some(QLAFILTER) => {}
            None => self.report(
                &path("module"),
                "is missing: \"qlafilter\" writes a line for each statement",
            ),
            Some(other) => self.report(
                &path("module"),
                format!("{other:?} is not a filter module; \"qlafilter\" is"),
            ),
        }
        if written.file.as_deref().is_none_or(str::is_empty) {
            self.report(&path("file"), "is missing: the file that is written");
        }
        let rotate_mib = self.bounded(&path("rotate_mib"), written.rotate_mib, 0..=ROTATE_MIB_MAX);
        let rotate_mib = rotate_mib.unwrap_or(ROTATE_MIB_DEFAULT);
        let files_max = self.bounded(&path("files_max"), written.files_max, 0..=FILES_MAX_MAX);
        let files_max = files_max.and_then(|files| u32::try_from(files).ok());
        FilterConfig {
            module: FilterModule::QueryLog(QueryLogConfig {
                file: self.base_dir.join(written.file.unwrap_or_default()),
                rotate_bytes: (rotate_mib > 0).then_some(rotate_mib << 20),
                files_max: files_max.unwrap_or(FILES_MAX_DEFAULT),
            }),
            name,
        }
    }
}
