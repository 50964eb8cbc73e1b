use proptest::prelude::*;

use super::ordered::{decode, encode, key, text, write_binary};
use super::*;

fn number(text: &str) -> Numeric {
    text.parse().expect(text)
}

#[test]
fn results_have_as_many_digits_as_in_postgresql() {
    type Binary = fn(&Numeric, &Numeric) -> Result<Numeric, SqlError>;
    let cases: [(&str, Binary, &str, &str); 20] = [
        ("1.5", Numeric::add, "2.25", "3.75"),
        ("1.50", Numeric::subtract, "1.5", "0.00"),
        ("1.5", Numeric::multiply, "2.25", "3.375"),
        ("1", Numeric::divide, "3", "0.33333333333333333333"),
        ("2", Numeric::divide, "1", "2.0000000000000000"),
        ("1", Numeric::divide, "1", "1.00000000000000000000"),
        ("10000", Numeric::divide, "3", "3333.3333333333333333"),
        ("1", Numeric::divide, "30000", "0.000033333333333333333333"),
        ("-7", Numeric::divide, "2", "-3.5000000000000000"),
        ("0", Numeric::divide, "5", "0.00000000000000000000"),
        ("123456789012", Numeric::divide, "7", "17636684144.57142857"),
        ("-7.5", Numeric::modulo, "2", "-1.5"),
        ("7.5", Numeric::divide_whole, "2", "3"),
        ("2", Numeric::power, "0.5", "1.4142135623730950"),
        ("2.0", Numeric::power, "3", "8.0000000000000000"),
        ("2", Numeric::power, "-2", "0.2500000000000000"),
        ("Infinity", Numeric::add, "-Infinity", "NaN"),
        ("Infinity", Numeric::multiply, "-2", "-Infinity"),
        ("5", Numeric::divide, "Infinity", "0"),
        ("8", Numeric::logarithm_to, "2", "3.0000000000000000"),
    ];
    for (one, operation, two, expected) in cases {
        let found = operation(&number(one), &number(two)).expect(one);
        assert_eq!(found.to_string(), expected, "{one}, {two}");
    }
    let zero = number("1").divide(&number("0.0")).expect_err("zero");
    assert_eq!(zero.code, "22012");
}

#[test]
fn roots_and_logarithms_have_as_many_digits_as_in_postgresql() {
    type Unary = fn(&Numeric) -> Result<Numeric, SqlError>;
    let cases: [(Unary, &str, &str); 8] = [
        (Numeric::square_root, "2", "1.414213562373095"),
        (Numeric::square_root, "10000.25", "100.0012499921876"),
        (Numeric::square_root, "0.0001", "0.01000000000000000"),
        (Numeric::exponential, "1", "2.7182818284590452"),
        (Numeric::exponential, "-1.5", "0.2231301601484298"),
        (Numeric::logarithm, "2", "0.6931471805599453"),
        (Numeric::logarithm, "10", "2.3025850929940457"),
        (Numeric::logarithm, "1.0001", "0.00009999500033330834"),
    ];
    for (operation, given, expected) in cases {
        assert_eq!(
            operation(&number(given)).expect(given).to_string(),
            expected,
            "{given}"
        );
    }
}

#[test]
fn numbers_are_rounded_half_away_from_zero() {
    for (given, places, rounded, truncated) in [
        ("2.5", 0, "3", "2"),
        ("-2.5", 0, "-3", "-2"),
        ("1.25", 1, "1.3", "1.2"),
        ("1250", -2, "1300", "1200"),
        ("4", -2, "0", "0"),
        ("1.5", 3, "1.500", "1.500"),
    ] {
        let given = number(given);
        assert_eq!(given.rounded(places).to_string(), rounded, "{given}");
        assert_eq!(given.truncated(places).to_string(), truncated, "{given}");
    }
    assert_eq!(number("-1.5").floor().to_string(), "-2");
    assert_eq!(number("-1.5").ceiling().to_string(), "-1");
    assert_eq!(number("1.500").trimmed().to_string(), "1.5");
}

#[test]
fn texts_are_read_as_postgresql_reads_them() {
    for (given, expected) in [
        (" 1.50 ", "1.50"),
        ("+.5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1.5e-3", "0.0015"),
        ("-0.0", "0.0"),
        ("nan", "NaN"),
        ("-inf", "-Infinity"),
        ("Infinity", "Infinity"),
        ("0e100000", "0"),
    ] {
        assert_eq!(number(given).to_string(), expected, "{given}");
    }
    for (given, code) in [
        ("", "22P02"),
        (".", "22P02"),
        ("1e", "22P02"),
        ("--1", "22P02"),
        ("-NaN", "22P02"),
        ("1 2", "22P02"),
        ("1e200000", "22003"),
        ("1e-20000", "22003"),
    ] {
        let refused = given.parse::<Numeric>().expect_err(given);
        assert_eq!(refused.code, code, "{given}");
    }
    assert_eq!(Numeric::from_f64(0.1).to_string(), "0.1");
    assert_eq!(Numeric::from_f64(1e20).to_string(), "100000000000000000000");
    assert_eq!(Numeric::from_f64(1.5e-7).to_string(), "0.00000015");
    assert_eq!(Numeric::from_f64(-0.0).to_string(), "0");
    assert!(number("99.995").fitted(4, 2).is_err());
    assert_eq!(
        number("9.995").fitted(4, 2).expect("fits").to_string(),
        "10.00"
    );
}

#[test]
fn the_binary_form_is_that_of_numeric_send() {
    for (given, expected) in [
        ("0.00", vec![0, 0, 0, 2]),
        ("1.5", vec![2, 0, 0, 1, 1, 5000]),
        ("-12345.6789", vec![3, 1, 0x4000, 4, 1, 2345, 6789]),
        ("100000000", vec![1, 2, 0, 0, 1]),
        ("0.00001", vec![1, 0xFFFE, 0, 5, 1000]),
        ("NaN", vec![0, 0, 0xC000, 0]),
        ("-Infinity", vec![0, 0, 0xF000, 0x20]),
    ] {
        let mut out = bytes::BytesMut::new();
        write_binary(&encode(&number(given)), &mut out);
        let fields: Vec<u16> = out
            .chunks(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(fields, expected, "{given}");
    }
}

/// Numbers of all lengths, some of which are equal.
fn numbers() -> impl Strategy<Value = Numeric> {
    let small =
        (-3000_i128..3000, 0_u32..5).prop_map(|(digits, scale)| Numeric::new(digits, scale));
    let wide = (any::<i128>(), 0_u32..60).prop_map(|(digits, scale)| Numeric::new(digits, scale));
    let long = "-?[1-9][0-9]{30,90}(\\.[0-9]{1,60})?".prop_map(|text| number(&text));
    prop_oneof![
        4 => small,
        2 => wide,
        1 => long,
        1 => prop_oneof![Just("NaN"), Just("Infinity"), Just("-Infinity")].prop_map(number),
    ]
}

proptest! {
    #[test]
    fn columns_hold_what_was_put_into_them(value in numbers()) {
        let bytes = encode(&value);
        prop_assert_eq!(decode(&bytes).to_string(), value.to_string());
        prop_assert_eq!(text(&bytes), value.to_string());
        prop_assert_eq!(number(&value.to_string()).to_string(), value.to_string());
    }

    #[test]
    fn bytes_sort_as_the_numbers_do(one in numbers(), two in numbers()) {
        let (a, b) = (encode(&one), encode(&two));
        prop_assert_eq!(key(&a).cmp(key(&b)), one.cmp(&two));
    }

    #[test]
    fn any_bytes_are_some_value(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
        let _ = (decode(&bytes), text(&bytes));
        write_binary(&bytes, &mut bytes::BytesMut::new());
    }
}
