//! Functions that statements have beside those of the engine: what is in the lists, and what is in the
//! original bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::json;
use crate::schema::element;

/// All of them.
pub(crate) fn all() -> Vec<ScalarUDF> {
    let exact = |types: Vec<DataType>| Signature::exact(types, Volatility::Immutable);
    let functions = [
        Function { kind: Kind::JsonField, signature: exact(vec![DataType::Binary, DataType::Utf8]) },
        Function { kind: Kind::RawText, signature: exact(vec![DataType::Binary]) },
        Function { kind: Kind::ArrayHas, signature: exact(vec![DataType::List(element()), DataType::Utf8]) },
    ];
    functions.into_iter().map(ScalarUDF::from).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// `json_field(raw, 'EventID')`: the first field of the event whose path ends so, as text.
    JsonField,
    /// `raw_text(raw)`: the original bytes as text; what is no UTF-8 becomes U+FFFD.
    RawText,
    /// `array_has(addresses, '10.0.0.1')`: whether the list has the text.
    ArrayHas,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function {
    kind: Kind,
    signature: Signature,
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        match self.kind {
            Kind::JsonField => "json_field",
            Kind::RawText => "raw_text",
            Kind::ArrayHas => "array_has",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            Kind::JsonField | Kind::RawText => DataType::Utf8,
            Kind::ArrayHas => DataType::Boolean,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let answer: Option<ArrayRef> = match (self.kind, &arrays[..]) {
            (Kind::JsonField, [raw, name]) => json_field(raw, name),
            (Kind::RawText, [raw]) => raw_text(raw),
            (Kind::ArrayHas, [list, text]) => array_has(list, text),
            _ => None,
        };
        match answer {
            Some(answer) => Ok(ColumnarValue::Array(answer)),
            None => exec_err!("{} does not take these arguments", self.name()),
        }
    }
}

fn json_field(raw: &ArrayRef, name: &ArrayRef) -> Option<ArrayRef> {
    let (raw, name) = (raw.as_binary_opt::<i32>()?, name.as_string_opt::<i32>()?);
    let values = raw.iter().zip(name.iter()).map(|(raw, name)| json::first(raw?, name?));
    Some(Arc::new(values.collect::<StringArray>()))
}

fn raw_text(raw: &ArrayRef) -> Option<ArrayRef> {
    let raw = raw.as_binary_opt::<i32>()?;
    let mut texts = StringBuilder::new();
    raw.iter().for_each(|raw| texts.append_option(raw.map(String::from_utf8_lossy)));
    Some(Arc::new(texts.finish()))
}

fn array_has(list: &ArrayRef, text: &ArrayRef) -> Option<ArrayRef> {
    let (list, texts) = (list.as_list_opt::<i32>()?, text.as_string_opt::<i32>()?);
    let has = |row: usize| {
        if list.is_null(row) || texts.is_null(row) {
            return Some(None);
        }
        let values = list.value(row);
        let values = values.as_string_opt::<i32>()?;
        Some(Some(values.iter().any(|value| value == Some(texts.value(row)))))
    };
    let answers: Option<BooleanArray> =
        (0..list.len()).map(has).collect::<Option<Vec<_>>>().map(BooleanArray::from);
    Some(Arc::new(answers?))
}
