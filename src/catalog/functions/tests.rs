//! Whatever a client writes, functions answer or refuse: none panics, none makes much of little.

use proptest::prelude::*;

use super::interval;
use super::template::{number, read, write};
use crate::sql::encode::zone::Zone;

/// Texts with many of the letters that templates and intervals are made of.
const TEXT: &str = r#"([YMDHISWQJRNTZOFGLVSPBCE]{1,4}|[a-z]{1,5}|[0-9.,:+\-]{1,6}|[ "\\é/-]){0,8}"#;

proptest! {
    #[test]
    fn templates_of_moments_are_filled(template in TEXT, micros in any::<i64>()) {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let _ = write::stamp(micros, &template);
        let _ = write::instant(micros, &template, &zone);
        let interval = interval::Interval { months: micros as i32, days: (micros >> 32) as i32, micros };
        let _ = write::interval(interval, &template);
    }

    #[test]
    fn moments_are_read(text in TEXT, template in TEXT) {
        let _ = read::moment(&text, &template);
    }

    #[test]
    fn what_a_template_writes_it_reads(second in -62_000_000_000i64..250_000_000_000) {
        const TEMPLATE: &str = "YYYY-MM-DD HH24:MI:SS";
        let micros = second * 1_000_000;
        let text = write::stamp(micros, TEMPLATE).unwrap();
        prop_assert_eq!(read::moment(&text, TEMPLATE).unwrap().micros, micros);
    }

    #[test]
    fn templates_of_numbers_are_filled(template in "[09.,DGSVLPRMIFNTHB]{0,12}", value in any::<i64>()) {
        let digits = |places| super::decimal::text(value.into(), 3, places);
        let _ = number::write(&template, digits, value as f64);
        let _ = number::read(&value.to_string(), &template, number::scale(&template));
    }

    #[test]
    fn intervals_are_read(text in r"([0-9.+\-:]{1,6}|[PTYMDHS]|day|month|hours|ago|[ é@]){0,6}") {
        let _ = interval::read(&text);
    }

    #[test]
    fn intervals_are_justified(months in any::<i32>(), days in any::<i32>(), micros in any::<i64>(), factor in any::<f64>()) {
        let interval = interval::Interval { months, days, micros };
        let _ = interval.justify_hours();
        let _ = interval.justify_days();
        let _ = interval.scaled(|part| part * factor);
        if let Ok(justified) = interval.justify() {
            prop_assert_eq!(justified.total(), interval.total());
        }
    }
}

/// Calls a function of one topic with constant arguments.
fn call(name: &str, args: Vec<datafusion::common::ScalarValue>) -> datafusion::common::Result<()> {
    use arrow::datatypes::Field;
    use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs};
    use std::sync::Arc;
    let topics = [
        super::sets::functions(),
        super::text::functions(),
        super::quote::functions(),
        super::regexp::functions(),
    ];
    let all: Vec<_> = topics.into_iter().flatten().collect();
    let function = all.iter().find(|function| function.name() == name).unwrap();
    let fields: Vec<_> = args
        .iter()
        .map(|arg| Arc::new(Field::new("", arg.data_type(), true)))
        .collect();
    let constants: Vec<_> = args.iter().map(Some).collect();
    let return_field = function.return_field_from_args(ReturnFieldArgs {
        arg_fields: &fields,
        scalar_arguments: &constants,
    })?;
    let args = ScalarFunctionArgs {
        args: args.into_iter().map(ColumnarValue::Scalar).collect(),
        arg_fields: fields,
        number_rows: 1,
        return_field,
        config_options: Arc::default(),
    };
    function.invoke_with_args(args).map(|_| ())
}

#[test]
fn nothing_is_made_of_a_number_alone() {
    use datafusion::common::ScalarValue as S;
    let text = |text: &str| S::Utf8(Some(text.to_owned()));
    let number = |number: i64| S::Int64(Some(number));
    let large = i64::MAX;
    for (name, args) in [
        ("repeat", vec![text("x"), number(large)]),
        ("lpad", vec![text("x"), number(large)]),
        ("rpad", vec![text("x"), number(large), text("yz")]),
        ("series", vec![number(i64::MIN), number(large)]),
        ("series", vec![number(large), number(i64::MIN), number(-1)]),
        ("format", vec![text("%2000000000s"), text("x")]),
    ] {
        let error = call(name, args).unwrap_err().to_string();
        assert!(error.contains("too large"), "{name}: {error}");
    }
}
