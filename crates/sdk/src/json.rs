//! Input and output in JSON, by their types.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ComponentError, ComponentInput, ComponentResult, FromInput, IntoResult};

/// A value that comes or goes as JSON.
///
/// ```
/// use airssys_wasm_sdk::prelude::*;
///
/// fn double(Json(number): Json<u32>) -> Result<Json<u32>, ComponentError> {
///     Ok(Json(number * 2))
/// }
/// # assert_eq!(double(Json(2)).unwrap().0, 4);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromInput for Json<T> {
    fn from_input(input: ComponentInput) -> Result<Self, ComponentError> {
        input.json().map(Self)
    }
}

impl<T: Serialize, E: Into<ComponentError>> IntoResult for Result<Json<T>, E> {
    fn into_result(self) -> ComponentResult {
        match self {
            Ok(Json(value)) => crate::ComponentOutput::json(&value),
            Err(error) => Err(error.into()),
        }
    }
}
