use std::sync::Arc;

use arrow::array::{AsArray, StringArray, StringBuilder, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, Local, Timelike};
use datafusion::common::{Result, utils::take_function_args};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::catalog::column::timestamp_type;

/// Bytes of most results.
const TEXT_BYTES: usize = 24;

/// `asctime(timestamptz) → text`: the moment in the server's local time, in the form of C's `asctime`, as the
/// documented REST resource shows it: `Mon Jul 17 11:10:39 2017`, the day of the month padded with a space.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AscTime {
    signature: Signature,
}

impl Default for AscTime {
    fn default() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Stable),
        }
    }
}

impl ScalarUDFImpl for AscTime {
    fn name(&self) -> &str {
        "asctime"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [moments] = take_function_args(self.name(), args.args)?;
        let moments = moments.into_array(args.number_rows)?;
        let moments = cast(&moments, &timestamp_type())?;
        let moments = moments.as_primitive::<TimestampMicrosecondType>();
        Ok(ColumnarValue::Array(Arc::new(asctime_texts(moments))))
    }
}

/// What `asctime` makes of moments: NULL of NULL, and nothing of what the calendar does not reach.
pub(crate) fn asctime_texts(moments: &TimestampMicrosecondArray) -> StringArray {
    let mut texts = StringBuilder::with_capacity(moments.len(), moments.len() * TEXT_BYTES);
    // Sessions often share a second: it is formatted once.
    let mut last = (i64::MIN, String::new());
    for moment in moments {
        let second = moment.map(|us| us.div_euclid(1_000_000));
        if let Some(second) = second
            && second != last.0
        {
            last = (second, asctime(second).unwrap_or_default());
        }
        texts.append_option(second.map(|_| &last.1));
    }
    texts.finish()
}

fn asctime(second: i64) -> Option<String> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let local = DateTime::from_timestamp(second, 0)?.with_timezone(&Local);
    let day = DAYS.get(local.weekday().num_days_from_monday() as usize)?;
    let month = MONTHS.get(local.month0() as usize)?;
    if !(0..=9999).contains(&local.year()) {
        return Some(local.format("%a %b %e %H:%M:%S %Y").to_string());
    }
    let mut text = String::with_capacity(TEXT_BYTES);
    text.push_str(day);
    text.push(' ');
    text.push_str(month);
    text.push(' ');
    let mut two = |number: u32, padding: char, after: char| {
        let digit = |number: u32| char::from_digit(number % 10, 10);
        text.extend(match number {
            0..10 => Some(padding),
            _ => digit(number / 10),
        });
        text.extend(digit(number));
        text.push(after);
    };
    two(local.day(), ' ', ' ');
    two(local.hour(), '0', ':');
    two(local.minute(), '0', ':');
    two(local.second(), '0', ' ');
    let year = local.year();
    for unit in [1000, 100, 10, 1] {
        text.extend(char::from_digit((year / unit % 10) as u32, 10));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_second_is_formatted_as_by_the_calendar(second in -70_000_000_000i64..300_000_000_000) {
            let local = DateTime::from_timestamp(second, 0).unwrap().with_timezone(&Local);
            let expected = local.format("%a %b %e %H:%M:%S %Y").to_string();
            prop_assert_eq!(asctime(second), Some(expected));
        }
    }
}
