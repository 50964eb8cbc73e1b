use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::{AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::async_udf::AsyncScalarUDFImpl;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use futures::{StreamExt, stream};
use tokio::time::{Duration, Instant, timeout_at};

use crate::catalog::resolver::{LOOKUPS_MAX, NameCache};

/// How long the lookups of one batch may take together: what has no name by then keeps none this time.
const BATCH_TIME_MAX: Duration = Duration::from_secs(5);

/// `rdns(text) → text`: the host name of an address; NULL when it has none, the lookup was too slow or the text
/// is no address.
#[derive(Debug)]
pub(super) struct Rdns {
    names: Arc<NameCache>,
    signature: Signature,
}

impl Rdns {
    pub fn new(names: Arc<NameCache>) -> Self {
        Self {
            names,
            signature: Signature::string(1, Volatility::Stable),
        }
    }
}

impl PartialEq for Rdns {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.names, &other.names)
    }
}

impl Eq for Rdns {}

impl std::hash::Hash for Rdns {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.names).hash(state);
    }
}

impl ScalarUDFImpl for Rdns {
    fn name(&self) -> &str {
        "rdns"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("rdns() waits for the network: it runs only as an async function")
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for Rdns {
    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [texts] = take_function_args(self.name(), args.args)?;
        let texts = cast(&texts.into_array(args.number_rows)?, &DataType::Utf8)?;
        let addresses: Vec<Option<IpAddr>> = texts
            .as_string::<i32>()
            .iter()
            .map(|text| text?.parse().ok())
            .collect();
        let mut wanted: Vec<IpAddr> = addresses.iter().flatten().copied().collect();
        wanted.sort_unstable();
        wanted.dedup();
        let deadline = Instant::now() + BATCH_TIME_MAX;
        let names: HashMap<IpAddr, Option<Arc<str>>> = stream::iter(wanted)
            .map(|address| async move {
                let name = timeout_at(deadline, self.names.name_of(address)).await;
                (address, name.ok().flatten())
            })
            .buffer_unordered(LOOKUPS_MAX)
            .collect()
            .await;
        let mut column = StringBuilder::with_capacity(addresses.len(), addresses.len() * 16);
        for address in addresses {
            let name = address.and_then(|address| names.get(&address)?.as_deref());
            column.append_option(name);
        }
        Ok(ColumnarValue::Array(Arc::new(column.finish())))
    }
}
