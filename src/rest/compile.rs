//! A query's projection, taken apart: what the engine is to deliver, and how documents follow from it.
//!
//! A document is mostly structure, constants and a few forms that only the page wants. The engine would build all
//! of it as columns of structs, row by row and kernel by kernel, only for the writer to take it apart again. So the
//! projection is read once, when the resource is planned: what the writer can say itself becomes a
//! [`Form`](super::form::Form), and the engine delivers the plain columns below. An expression of any other kind
//! stays the engine's: it becomes one of the columns.
//!
//! The meaning is the engine's to the byte. An expression that is evaluated for some rows only (in a branch of
//! `CASE`, behind the first argument of `coalesce`) must not be evaluated for others, where it could fail: there
//! only plain columns are asked for, and if that is not enough the whole `CASE` is the engine's.

#[cfg(test)]
mod tests;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, ExprSchema, ScalarValue};
use datafusion::logical_expr::expr::{BinaryExpr, Case, ScalarFunction};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, Projection};

use super::derived::{Condition, Derived, Step};
use super::form::{Branch, Form, Part, Source};
use super::json::{Key, push_escaped};
use super::presence::Presence;
use super::values::{Scalars, Shape, UnsupportedType, is_link};

/// A projection that has been taken apart.
#[derive(Debug)]
pub struct Compiled {
    /// What the engine is to deliver: plain columns in the order that their table has them, so that it hands them
    /// on as they are, and then the rest.
    pub queried: Vec<Expr>,
    /// The position of the key among these.
    pub key: usize,
    /// What each of those looks like.
    pub shapes: Vec<Shape>,
    /// What is made of them, a batch at a time.
    pub derived: Vec<Derived>,
    /// The members of an object: the projection's columns without the key.
    pub members: Vec<(Key, Form)>,
    /// The positions of what else was asked for.
    pub extra: Vec<usize>,
}

/// Takes a projection apart. Its first expression is the key.
///
/// # Errors
/// When a column's type has no form in a document.
pub fn compile(projection: &Projection) -> Result<Compiled, UnsupportedType> {
    compile_with(projection, &[])
}

/// The same, when the engine is to deliver these expressions too, which are not shown.
///
/// # Errors
/// As those of [`compile`].
pub fn compile_with(projection: &Projection, extra: &[Expr]) -> Result<Compiled, UnsupportedType> {
    let input = projection.input.schema();
    let mut queried = compile_after(projection, extra, Vec::new())?.queried;
    queried.sort_by_key(|expr| match expr {
        Expr::Column(column) => input.maybe_index_of_column(column).unwrap_or(usize::MAX),
        _ => usize::MAX,
    });
    compile_after(projection, extra, queried)
}

/// The same, when the engine is to deliver these columns anyway.
fn compile_after(
    projection: &Projection,
    extra: &[Expr],
    queried: Vec<Expr>,
) -> Result<Compiled, UnsupportedType> {
    let mut compiler = Compiler {
        input: projection.input.schema(),
        queried: Vec::new(),
        shapes: Vec::new(),
        derived: Vec::new(),
    };
    for expr in &queried {
        compiler.ask(expr, "")?;
    }
    let mut key = 0;
    let mut members = Vec::with_capacity(projection.expr.len());
    let names = projection.schema.fields().iter().map(|field| field.name());
    for (at, (expr, name)) in projection.expr.iter().zip(names).enumerate() {
        if at == 0 {
            (key, _) = compiler.ask(expr, name)?;
            continue;
        }
        let form = match compiler.form(expr, name, true) {
            Some(form) => form,
            // The error says where in the document the type stands.
            None => compiler.queried(expr, name)?,
        };
        members.push((Key::new(name), form));
    }
    let extra = extra.iter().map(|expr| Ok(compiler.ask(expr, "")?.0));
    let extra = extra.collect::<Result<_, UnsupportedType>>()?;
    Ok(Compiled {
        queried: compiler.queried,
        key,
        shapes: compiler.shapes,
        derived: compiler.derived,
        members,
        extra,
    })
}

#[cfg(test)]
impl Compiled {
    /// What becomes of a projection of plain columns.
    pub fn of_columns(schema: &arrow::datatypes::Schema) -> Result<Self, UnsupportedType> {
        let mut compiled = Self {
            queried: Vec::new(),
            key: 0,
            shapes: Vec::new(),
            derived: Vec::new(),
            members: Vec::new(),
            extra: Vec::new(),
        };
        for (at, field) in schema.fields().iter().enumerate() {
            let shape = Shape::new(field.data_type(), field.name())?;
            compiled.shapes.push(shape.clone());
            if at > 0 {
                let form = Form::Column(Source::Queried(at), shape);
                compiled.members.push((Key::new(field.name()), form));
            }
        }
        Ok(compiled)
    }
}

struct Compiler<'a> {
    input: &'a DFSchema,
    queried: Vec<Expr>,
    shapes: Vec<Shape>,
    derived: Vec<Derived>,
}

impl Compiler<'_> {
    /// The form of an expression at `path`; `sure` when it is evaluated for every row. `None` when it would need
    /// more of the engine than plain columns and is not sure, or has no form.
    fn form(&mut self, expr: &Expr, path: &str, sure: bool) -> Option<Form> {
        let (queried, derived) = (self.queried.len(), self.derived.len());
        if let Some(form) = self.written(expr, path, sure) {
            return Some(form);
        }
        self.queried.truncate(queried);
        self.shapes.truncate(queried);
        self.derived.truncate(derived);
        match sure {
            true => self.queried(expr, path).ok(),
            false => None,
        }
    }

    /// The form of an expression that the writer knows.
    fn written(&mut self, expr: &Expr, path: &str, sure: bool) -> Option<Form> {
        match expr {
            Expr::Alias(alias) => self.form(&alias.expr, path, sure),
            Expr::Column(_) => self.queried(expr, path).ok(),
            Expr::Literal(value, _) => literal(value, path),
            Expr::Case(case) => self.case(case, path, sure),
            Expr::ScalarFunction(ScalarFunction { func, args }) => match func.name() {
                "named_struct" => self.object(args, path, sure),
                "make_array" => self.array(args, path, sure),
                "concat" => self.concat(args, path, sure),
                "coalesce" => self.coalesce(args, path, sure),
                "asctime" => self.asctime(args, path),
                _ => self.floats(expr),
            },
            _ => self.floats(expr),
        }
    }

    /// A column that the engine delivers, evaluated there if need be.
    fn queried(&mut self, expr: &Expr, path: &str) -> Result<Form, UnsupportedType> {
        let (source, data_type) = self.ask(expr, path)?;
        let shape = Shape::new(&data_type, path)?;
        Ok(Form::Column(Source::Queried(source), shape))
    }

    /// The position of a column that the engine is asked for, and its type.
    fn ask(&mut self, expr: &Expr, path: &str) -> Result<(usize, DataType), UnsupportedType> {
        let expr = expr.clone().unalias();
        let data_type = expr.get_type(self.input).unwrap_or(DataType::Null);
        let mut known = self.queried.iter();
        if let Some(at) = known.position(|known| known.clone().unalias() == expr) {
            return Ok((at, data_type));
        }
        self.shapes.push(Shape::new(&data_type, path)?);
        let at = self.queried.len();
        self.queried.push(match expr {
            column @ Expr::Column(_) => column,
            // Names only have to differ.
            other => other.alias(format!("column {at}")),
        });
        Ok((at, data_type))
    }

    /// The position of a plain column whose type fits.
    fn column(&mut self, expr: &Expr, fits: impl Fn(&DataType) -> bool) -> Option<usize> {
        let Expr::Column(column) = expr else {
            return None;
        };
        let field = self.input.field_from_column(column).ok()?;
        let (at, _) = fits(field.data_type()).then(|| self.ask(expr, "").ok())??;
        Some(at)
    }

    fn derive(&mut self, derived: Derived) -> usize {
        let mut known = self.derived.iter();
        known
            .position(|known| *known == derived)
            .unwrap_or_else(|| {
                self.derived.push(derived);
                self.derived.len() - 1
            })
    }

    fn object(&mut self, args: &[Expr], path: &str, sure: bool) -> Option<Form> {
        let (pairs, []) = args.as_chunks::<2>() else {
            return None;
        };
        let mut member = |[name, value]: &[Expr; 2]| {
            let name = text_of(name)?;
            let form = self.form(value, &format!("{path}/{name}"), sure)?;
            Some((Key::new(name), form))
        };
        let members = pairs.iter().map(&mut member);
        Some(Form::Object(members.collect::<Option<_>>()?))
    }

    fn array(&mut self, args: &[Expr], path: &str, sure: bool) -> Option<Form> {
        self.are_alike(args)?;
        let path = format!("{path}[]");
        let elements = args.iter().map(|element| self.form(element, &path, sure));
        Some(Form::Array(elements.collect::<Option<_>>()?))
    }

    fn concat(&mut self, args: &[Expr], path: &str, sure: bool) -> Option<Form> {
        let mut parts = Vec::with_capacity(args.len());
        for arg in args {
            let data_type = arg.get_type(self.input).ok()?;
            if !(is_text(&data_type) || data_type.is_null()) {
                return None;
            }
            match self.form(arg, "", sure)? {
                Form::Null => {}
                Form::Column(source, _) => parts.push(Part::Column(source)),
                Form::Text { parts: inner, .. } => parts.extend(inner),
                _ => return None,
            }
        }
        Some(Form::Text {
            parts: parts.into(),
            link: is_link(path),
        })
    }

    fn coalesce(&mut self, args: &[Expr], path: &str, sure: bool) -> Option<Form> {
        let mut forms = Vec::with_capacity(args.len());
        for arg in args {
            let data_type = arg.get_type(self.input).ok()?;
            // Of other types a value may be there that says nothing.
            if !(is_text(&data_type) || data_type.is_null()) {
                return None;
            }
            match self.form(arg, path, sure && forms.is_empty())? {
                Form::Null => {}
                form => forms.push(form),
            }
        }
        match forms.len() {
            0 => Some(Form::Null),
            1 => forms.pop(),
            _ => Some(Form::FirstOf(forms.into())),
        }
    }

    fn asctime(&mut self, args: &[Expr], path: &str) -> Option<Form> {
        let [moments] = args else {
            return None;
        };
        let is_moment =
            |found: &DataType| matches!(found, DataType::Timestamp(TimeUnit::Microsecond, _));
        let moments = self.column(moments, is_moment)?;
        let texts = self.derive(Derived::AscTime(moments));
        let shape = Shape::new(&DataType::Utf8, path).ok()?;
        Some(Form::Column(Source::Derived(texts), shape))
    }

    fn case(&mut self, case: &Case, path: &str, sure: bool) -> Option<Form> {
        if case.expr.is_some() {
            return None;
        }
        let thens = case.when_then_expr.iter().map(|(_, then)| &**then);
        self.are_alike(thens.chain(case.else_expr.as_deref()))?;
        let mut branches: Vec<Branch> = Vec::new();
        let mut closed = false;
        for (when, then) in &case.when_then_expr {
            let condition = self.condition(when, sure && branches.is_empty())?;
            let when = match condition {
                Condition::Fixed(Some(true)) => None,
                Condition::Fixed(_) => continue,
                condition => Some(self.derive(Derived::Holds(condition))),
            };
            closed = when.is_none();
            let sure = sure && closed && branches.is_empty();
            let then = self.form(then, path, sure)?;
            branches.push(Branch { when, then });
            if closed {
                break;
            }
        }
        if let (false, Some(otherwise)) = (closed, &case.else_expr) {
            let then = self.form(otherwise, path, sure && branches.is_empty())?;
            branches.push(Branch { when: None, then });
        }
        Some(match branches.as_slice() {
            [] => Form::Null,
            [Branch { when: None, then }] => then.clone(),
            _ => Form::Choice(branches.into()),
        })
    }

    /// A condition, evaluated by the engine if need be.
    fn condition(&mut self, expr: &Expr, sure: bool) -> Option<Condition> {
        let queried = self.queried.len();
        if let Some(condition) = self.known_condition(expr, sure) {
            return Some(condition);
        }
        self.queried.truncate(queried);
        self.shapes.truncate(queried);
        let fits = sure && expr.get_type(self.input).ok()? == DataType::Boolean;
        let (column, _) = fits.then(|| self.ask(expr, "").ok())??;
        Some(Condition::Column(column))
    }

    fn known_condition(&mut self, expr: &Expr, sure: bool) -> Option<Condition> {
        match expr {
            Expr::Literal(ScalarValue::Boolean(value), _) => Some(Condition::Fixed(*value)),
            Expr::Literal(ScalarValue::Null, _) => Some(Condition::Fixed(None)),
            Expr::IsNull(tested) => Some(Condition::IsNull(self.column(tested, |_| true)?)),
            Expr::IsNotNull(tested) => {
                let is_null = Condition::IsNull(self.column(tested, |_| true)?);
                Some(Condition::Not(Box::new(is_null)))
            }
            Expr::Not(negated) => Some(Condition::Not(Box::new(self.condition(negated, sure)?))),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
                Operator::And | Operator::Or => {
                    let left = Box::new(self.condition(left, sure)?);
                    let right = Box::new(self.condition(right, false)?);
                    Some(match op {
                        Operator::And => Condition::And(left, right),
                        _ => Condition::Or(left, right),
                    })
                }
                Operator::Eq | Operator::NotEq => {
                    let column = self.column(left, is_text)?;
                    let equals = Condition::Equals(column, text_of(right)?.into());
                    Some(match op {
                        Operator::Eq => equals,
                        _ => Condition::Not(Box::new(equals)),
                    })
                }
                _ => None,
            },
            Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "contains" => {
                let [text, part] = args.as_slice() else {
                    return None;
                };
                let column = self.column(text, is_text)?;
                Some(Condition::Contains(column, text_of(part)?.into()))
            }
            Expr::Column(_) => {
                let column = self.column(expr, |found| *found == DataType::Boolean)?;
                Some(Condition::Column(column))
            }
            _ => None,
        }
    }

    /// A column of floats, and arithmetic with constants.
    fn floats(&mut self, expr: &Expr) -> Option<Form> {
        let mut steps = Vec::new();
        let mut inner = expr;
        let column = loop {
            inner = match inner {
                Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                    steps.push(step(*op, number_of(right)?)?);
                    left
                }
                Expr::ScalarFunction(call) if call.func.name() == "trunc" => {
                    let [truncated] = call.args.as_slice() else {
                        return None;
                    };
                    steps.push(Step::Truncate);
                    truncated
                }
                other => break self.column(other, |found| *found == DataType::Float64)?,
            };
        };
        steps.reverse();
        let floats = self.derive(Derived::Floats(column, steps.into()));
        Some(Form::Column(Source::Derived(floats), Shape::Scalar))
    }

    /// Whether the engine gives all of these the same type, as far as a document shows it.
    fn are_alike<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> Option<()> {
        let mut first: Option<DataType> = None;
        for expr in exprs {
            let found = expr.get_type(self.input).ok()?;
            if found.is_null() {
                continue;
            }
            match &first {
                None => first = Some(found),
                Some(first) if *first == found || is_text(first) && is_text(&found) => {}
                Some(_) => return None,
            }
        }
        Some(())
    }
}

fn literal(value: &ScalarValue, path: &str) -> Option<Form> {
    if value.is_null() {
        return Some(Form::Null);
    }
    let mut text = Vec::new();
    if let Some(Some(value)) = value.try_as_str() {
        push_escaped(&mut text, value);
        return Some(Form::Text {
            parts: [Part::Fixed(text.into())].into(),
            link: is_link(path),
        });
    }
    let array = value.to_array().ok()?;
    let values = Scalars::bind(&array).filter(|values| !values.is_text())?;
    Some(match Presence::of_value(&array) {
        Presence::Always => {
            values.push(0, &mut text);
            Form::Constant(text.into())
        }
        _ => Form::Null,
    })
}

fn step(operator: Operator, number: f64) -> Option<Step> {
    Some(match operator {
        Operator::Plus => Step::Add(number),
        Operator::Minus => Step::Subtract(number),
        Operator::Multiply => Step::Multiply(number),
        Operator::Divide if number != 0.0 => Step::Divide(number),
        _ => return None,
    })
}

/// The float that a constant becomes beside one.
fn number_of(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Literal(ScalarValue::Int64(Some(number)), _) => Some(*number as f64),
        Expr::Literal(ScalarValue::Float64(Some(number)), _) => Some(*number),
        _ => None,
    }
}

fn text_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}
