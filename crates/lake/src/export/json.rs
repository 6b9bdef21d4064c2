//! A JSON object a line. A column without a value is left out.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use crate::LakeError;

/// The rows of a batch.
pub(crate) fn rows(batch: &RecordBatch) -> Result<Vec<u8>, LakeError> {
    let mut out = Vec::new();
    let schema = batch.schema();
    for row in 0..batch.num_rows() {
        out.push(b'{');
        let mut first = true;
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            if array.is_null(row) {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            out.extend_from_slice(Value::from(field.name().as_str()).to_string().as_bytes());
            out.push(b':');
            out.extend_from_slice(value(array, row)?.to_string().as_bytes());
        }
        out.extend_from_slice(b"}\n");
    }
    Ok(out)
}

fn value(array: &ArrayRef, row: usize) -> Result<Value, LakeError> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    macro_rules! number {
        ($kind:ty) => {
            Value::from(array.as_primitive::<$kind>().value(row))
        };
    }
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::from(array.as_boolean().value(row)),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            Value::Array((0..list.len()).map(|at| value(&list, at)).collect::<Result<_, _>>()?)
        }
        _ => Value::from(text(array, row)?),
    })
}

/// A value as text: bytes as the text they are, if they are one.
pub(crate) fn text(array: &ArrayRef, row: usize) -> Result<String, LakeError> {
    let bytes = match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Some(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => Some(array.as_binary_view().value(row)),
        _ => None,
    };
    if let Some(bytes) = bytes {
        return Ok(String::from_utf8_lossy(bytes).into_owned());
    }
    let options = FormatOptions::default();
    let formatter =
        ArrayFormatter::try_new(array, &options).map_err(|error| LakeError::Layout(error.to_string()))?;
    formatter.value(row).try_to_string().map_err(|error| LakeError::Layout(error.to_string()))
}
