//! Questions made at random.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// What stands for the table in a question.
pub const TABLE: &str = "{sessions}";

/// Makes questions.
pub struct Questions {
    random: StdRng,
}

impl Questions {
    pub fn new(random: StdRng) -> Self {
        Self { random }
    }

    /// Another question.
    pub fn next(&mut self) -> String {
        let depth = self.random.random_range(1..4);
        match self.random.random_range(0..100) {
            0..30 => self.plain(depth),
            30..50 => self.joined(depth),
            50..72 => self.grouped(depth),
            72..82 => self.combined(depth),
            82..92 => self.windowed(depth),
            _ => {
                let (one, other) = (self.any(depth, "s"), self.any(depth - 1, "s"));
                let condition = self.condition(depth, "s");
                format!("SELECT DISTINCT {one}, {other} FROM {TABLE} s WHERE {condition}")
            }
        }
    }

    fn pick<'c>(&mut self, choices: &[&'c str]) -> &'c str {
        choices
            .choose(&mut self.random)
            .copied()
            .unwrap_or_default()
    }

    fn plain(&mut self, depth: usize) -> String {
        let (one, other) = (self.any(depth, "s"), self.any(depth, "s"));
        let condition = self.condition(depth, "s");
        format!("SELECT {one}, {other} FROM {TABLE} s WHERE {condition}")
    }

    fn joined(&mut self, depth: usize) -> String {
        let join = self.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
        let mut on = self
            .pick(&[
                "a.id = b.id",
                "a.id + 1 = b.id",
                "a.service = b.service AND a.application_name = b.application_name",
            ])
            .to_owned();
        if join != "FULL JOIN" && self.random.random_bool(0.4) {
            let side = self.pick(&["a", "b"]);
            on = format!("{on} AND {}", self.condition(1, side));
        }
        let (one, other) = (self.any(depth - 1, "a"), self.any(depth - 1, "b"));
        let inner = self.condition(1, "z");
        let side = self.pick(&["a", "b"]);
        let outer = self.condition(depth - 1, side);
        format!(
            "SELECT {one}, {other}, a.id, b.id FROM {TABLE} a \
             {join} (SELECT * FROM {TABLE} z WHERE {inner}) b ON {on} WHERE {outer}"
        )
    }

    fn grouped(&mut self, depth: usize) -> String {
        let (key, value) = (self.any(1, "s"), self.number(depth - 1, "s"));
        let (truth, condition) = (
            self.condition(depth - 1, "s"),
            self.condition(depth - 1, "s"),
        );
        let aggregate = self.pick(&["count", "sum", "min", "max"]);
        let having = self.pick(&["", " HAVING count(*) > 1", " HAVING max(x.v) > 2"]);
        format!(
            "SELECT x.g, {aggregate}(x.v), count(*), count(DISTINCT x.v), bool_or(x.b) \
             FROM (SELECT {key} g, {value} v, {truth} b FROM {TABLE} s WHERE {condition}) x GROUP BY x.g{having}"
        )
    }

    fn combined(&mut self, depth: usize) -> String {
        let operation = self.pick(&[
            "UNION",
            "UNION ALL",
            "EXCEPT",
            "EXCEPT ALL",
            "INTERSECT",
            "INTERSECT ALL",
        ]);
        let is_text = self.random.random_bool(0.5);
        let mut branch = || {
            let value = match is_text {
                true => self.text(depth - 1, "s"),
                false => self.number(depth - 1, "s"),
            };
            let condition = self.condition(depth - 1, "s");
            format!("(SELECT {value} v FROM {TABLE} s WHERE {condition})")
        };
        format!("{} {operation} {}", branch(), branch())
    }

    fn windowed(&mut self, depth: usize) -> String {
        let function = self.pick(&[
            "row_number()",
            "rank()",
            "sum(s.id)",
            "count(*)",
            "lag(s.id)",
            "max(s.service)",
            "first_value(s.id)",
        ]);
        let key = self.any(1, "s");
        let order = self.pick(&[
            "s.id",
            "s.id DESC",
            "s.application_name, s.id",
            "s.id % 3 > 1, s.id",
        ]);
        let condition = self.condition(depth, "s");
        format!(
            "SELECT s.id, {function} OVER (PARTITION BY {key} ORDER BY {order}) FROM {TABLE} s WHERE {condition}"
        )
    }

    fn any(&mut self, depth: usize, table: &str) -> String {
        match self.random.random_range(0..3) {
            0 => self.number(depth, table),
            1 => self.text(depth, table),
            _ => self.condition(depth, table),
        }
    }

    fn number(&mut self, depth: usize, table: &str) -> String {
        let leaf = depth == 0;
        match self.random.random_range(0..100) {
            0..35 => self.number_column(table),
            _ if leaf => self.number_column(table),
            35..50 => self
                .pick(&["0", "1", "2", "3", "7", "16", "50000", "-1"])
                .to_owned(),
            50..60 => "NULL::int".to_owned(),
            60..68 => {
                let operator = self.pick(&["+", "-", "*"]);
                let (one, other) = (self.number(depth - 1, table), self.number(depth - 1, table));
                format!("({one} {operator} {other})")
            }
            68..80 => {
                let function = self.pick(&["coalesce", "greatest", "least", "nullif"]);
                let (one, other) = (self.number(depth - 1, table), self.number(depth - 1, table));
                format!("{function}({one}, {other})")
            }
            80..86 => {
                let when = self.condition(depth - 1, table);
                let (one, other) = (self.number(depth - 1, table), self.number(depth - 1, table));
                match self.random.random_bool(0.5) {
                    true => format!("CASE WHEN {when} THEN {one} ELSE {other} END"),
                    false => format!("CASE WHEN {when} THEN {one} END"),
                }
            }
            86..93 => {
                let aggregate = self.pick(&["max", "min", "count", "sum"]);
                let (value, condition) = (self.number(0, "q"), self.condition(depth - 1, "q"));
                format!("(SELECT {aggregate}({value}) FROM {TABLE} q WHERE {condition})")
            }
            _ => {
                let (id, condition) = (self.pick(&["1", "2", "-1", "99"]), self.condition(0, "q"));
                format!("(SELECT q.id FROM {TABLE} q WHERE q.id = {id} AND {condition})")
            }
        }
    }

    fn number_column(&mut self, table: &str) -> String {
        match self.random.random_range(0..4) {
            0 => format!("{table}.id"),
            1 => format!("{table}.port"),
            2 => format!("length({table}.application_name)"),
            _ => format!("({table}.id % 3)"),
        }
    }

    fn text(&mut self, depth: usize, table: &str) -> String {
        match self.random.random_range(0..100) {
            0..50 => self.text_column(table),
            _ if depth == 0 => self.text_column(table),
            50..65 => self
                .pick(&["'catalog'", "''", "'kept 1'", "NULL::text"])
                .to_owned(),
            65..75 => {
                let (one, other) = (self.text(depth - 1, table), self.text(depth - 1, table));
                format!("({one} || {other})")
            }
            75..85 => {
                let (one, other) = (self.text(depth - 1, table), self.text(depth - 1, table));
                format!("coalesce({one}, {other})")
            }
            85..92 => {
                let (tested, value) = (self.text(0, table), self.text(0, table));
                let (one, other) = (self.text(depth - 1, table), self.text(depth - 1, table));
                format!("CASE {tested} WHEN {value} THEN {one} ELSE {other} END")
            }
            _ => {
                let id = self.pick(&["1", "3", "-1"]);
                format!("(SELECT q.service FROM {TABLE} q WHERE q.id = {id})")
            }
        }
    }

    fn text_column(&mut self, table: &str) -> String {
        let column = self.pick(&["service", "application_name", "server", "protocol", "tls"]);
        match self.random.random_bool(0.15) {
            true => format!("upper({table}.{column})"),
            false => format!("{table}.{column}"),
        }
    }

    fn condition(&mut self, depth: usize, table: &str) -> String {
        match self.random.random_range(0..100) {
            0..15 => self.simple_condition(table),
            _ if depth == 0 => self.simple_condition(table),
            15..30 => {
                let operator = self.pick(&[
                    "=",
                    "<",
                    ">",
                    "<>",
                    "IS DISTINCT FROM",
                    "IS NOT DISTINCT FROM",
                ]);
                let (one, other) = (self.number(depth - 1, table), self.number(depth - 1, table));
                format!("({one} {operator} {other})")
            }
            30..42 => {
                let operator = self.pick(&["=", "<", ">", "<>"]);
                let (one, other) = (self.text(depth - 1, table), self.text(depth - 1, table));
                format!("({one} {operator} {other})")
            }
            42..56 => {
                let operator = self.pick(&["AND", "OR"]);
                let (one, other) = (
                    self.condition(depth - 1, table),
                    self.condition(depth - 1, table),
                );
                format!("({one} {operator} {other})")
            }
            56..63 => format!("(NOT {})", self.condition(depth - 1, table)),
            63..72 => {
                let test = self.pick(&["IS NULL", "IS NOT NULL"]);
                format!("({} {test})", self.any(depth - 1, table))
            }
            72..77 => {
                let (not, last) = (self.pick(&["", "NOT "]), self.pick(&["3", "NULL", "5"]));
                let (value, first) = (self.number(depth - 1, table), self.number(0, table));
                format!("({value} {not}IN ({first}, 2, {last}))")
            }
            77..83 => {
                let not = self.pick(&["", "NOT "]);
                let (value, found) = (self.number(depth - 1, table), self.number(0, "q"));
                let condition = self.condition(depth - 1, "q");
                format!("({value} {not}IN (SELECT {found} FROM {TABLE} q WHERE {condition}))")
            }
            83..88 => {
                let not = self.pick(&["", "NOT "]);
                let column = self.pick(&["id", "service", "application_name"]);
                let condition = self.condition(depth - 1, "q");
                format!(
                    "({not}EXISTS (SELECT 1 FROM {TABLE} q WHERE q.{column} = {table}.{column} AND {condition}))"
                )
            }
            88..92 => {
                let operator = self.pick(&["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"]);
                let pattern = self.pick(&["'c%'", "'%P _'", "''", "'%'"]);
                format!("({} {operator} {pattern})", self.text(depth - 1, table))
            }
            92..95 => {
                let (quantifier, last) = (self.pick(&["ANY", "ALL"]), self.pick(&["3", "NULL"]));
                format!(
                    "({} = {quantifier} (ARRAY[1, 2, {last}]))",
                    self.number(depth - 1, table)
                )
            }
            95..98 => {
                let test = self.pick(&["TRUE", "FALSE", "NOT TRUE", "NOT FALSE", "UNKNOWN"]);
                format!("({} IS {test})", self.condition(depth - 1, table))
            }
            _ => {
                let value = self.number(depth - 1, table);
                let (low, high) = (self.number(depth - 1, table), self.number(depth - 1, table));
                format!("({value} BETWEEN {low} AND {high})")
            }
        }
    }

    fn simple_condition(&mut self, table: &str) -> String {
        match self.random.random_bool(0.4) {
            true => {
                let column = self.pick(&["active", "in_transaction", "autocommit"]);
                format!("{table}.{column}")
            }
            false => {
                let operator = self.pick(&["=", "<", ">", "<>", "<=", ">="]);
                let value = self.number(0, table);
                let other = self.pick(&["2", "5", "16", "3"]);
                format!("({value} {operator} {other})")
            }
        }
    }
}
