//! Maps errors of the SDK to the next step.

use std::{error::Error, fmt};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use tower_genesys::{
    BoxError,
    store::{StoreError, StoreErrorKind},
};

use DynamoDbStoreErrorKind as Kind;

/// The reason why a [`DynamoDbStore`](crate::DynamoDbStore) cannot be created
/// or does not work.
///
/// The message names the table and the next step. It contains no token and no
/// AWS credentials. The source, if there is one, is the error of DynamoDB or of
/// the HTTP client.
///
/// ```
/// # use aws_sdk_dynamodb::{Client, Config, config::BehaviorVersion};
/// use tower_genesys_dynamodb::DynamoDbStore;
///
/// # let config = Config::builder();
/// # let config = config.behavior_version(BehaviorVersion::latest());
/// # let client = Client::from_conf(config.build());
/// let error = DynamoDbStore::new(client, "").unwrap_err();
/// assert!(error.to_string().contains("give the table's name or its ARN"));
/// ```
#[derive(Debug)]
pub struct DynamoDbStoreError {
    kind: Kind,
    message: String,
    source: Option<BoxError>,
}

/// The kind of a [`DynamoDbStoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DynamoDbStoreErrorKind {
    /// The name of the table is invalid; or the table does not exist in the
    /// client's account and region, is being created, or is being deleted.
    Table,
    /// The primary key of the table is not the single string attribute `key`.
    Key,
    /// The client has no credentials or no region, or DynamoDB rejects the
    /// credentials.
    Credentials,
    /// The role of this process lacks a permission.
    Permission,
    /// DynamoDB throttles the requests.
    Throttled,
    /// DynamoDB does not answer, answers too late, or reports an internal
    /// error.
    Unreachable,
}

impl DynamoDbStoreError {
    pub(crate) fn new(kind: Kind, message: String) -> Self {
        Self {
            kind,
            message,
            source: None,
        }
    }

    /// Returns the kind of the failure.
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for DynamoDbStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for DynamoDbStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref();
        source.map(|source| source as &(dyn Error + 'static))
    }
}

impl From<DynamoDbStoreError> for StoreError {
    fn from(error: DynamoDbStoreError) -> Self {
        let kind = match error.kind {
            Kind::Credentials | Kind::Permission => StoreErrorKind::Denied,
            // Rejected before any change.
            Kind::Table | Kind::Key | Kind::Throttled => StoreErrorKind::Unavailable,
            // DynamoDB may or may not have executed a write.
            Kind::Unreachable => StoreErrorKind::Timeout,
        };
        Self::new(kind, error.message.clone()).with_source(error)
    }
}

pub(crate) fn invalid_name() -> DynamoDbStoreError {
    let message = "the name of the DynamoDB table is empty, or has a character other than letters, digits, `_`, `-` \
                   and `.`; give the table's name or its ARN";
    DynamoDbStoreError::new(Kind::Table, message.into())
}

/// The system provides no randomness for the owner of a check.
pub(crate) fn no_randomness(error: StoreError) -> DynamoDbStoreError {
    DynamoDbStoreError {
        kind: Kind::Unreachable,
        message: error.to_string(),
        source: Some(error.into()),
    }
}

/// Maps an error of the SDK.
pub(crate) fn failed<E, R>(
    table: &str,
    operation: &str,
    error: SdkError<E, R>,
) -> DynamoDbStoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: fmt::Debug + Send + Sync + 'static,
{
    let kind = kind(&error);
    let next = match kind {
        Kind::Table => {
            "there is no such table in the client's account and region; create it, or correct the name"
        }
        Kind::Key => KEY_HELP,
        Kind::Credentials => {
            "the client has no credentials or no region, or DynamoDB rejects them; check the role of this \
             process, and its clock"
        }
        Kind::Permission => "allow the role of this process that action on the table",
        Kind::Throttled => {
            "DynamoDB throttles the requests; switch the table to on-demand capacity, or raise its capacity"
        }
        Kind::Unreachable => {
            "DynamoDB did not answer, or not as DynamoDB does; check the network, the region and the endpoint"
        }
    };
    DynamoDbStoreError {
        kind,
        message: format!("DynamoDB table `{table}`, {operation}: {next}"),
        source: source(error),
    }
}

/// The required key, for errors of the table and of an operation.
pub(crate) const KEY_HELP: &str = "its key must be one attribute `key` of type string (partition key, no sort key); a \
                                   key cannot be changed, so create another table";

/// Returns the kind of an error of the SDK, sent or not.
fn kind<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Kind {
    match error {
        // These fail before anything is sent, for lack of credentials or a
        // region.
        SdkError::ConstructionFailure(_) => Kind::Credentials,
        // Neither the network nor a time limit: the SDK lacks credentials or a
        // region.
        SdkError::DispatchFailure(failure) if !failure.is_io() && !failure.is_timeout() => {
            Kind::Credentials
        }
        SdkError::ServiceError(failed) => {
            let error = failed.err();
            kind_of_code(error.code().unwrap_or(""), error.message().unwrap_or(""))
        }
        // A time-out, a broken connection, or an answer that is not DynamoDB's.
        // A write may have been executed.
        _ => Kind::Unreachable,
    }
}

/// Returns the kind of an error that DynamoDB answered.
fn kind_of_code(code: &str, message: &str) -> Kind {
    match code {
        "ResourceNotFoundException" => Kind::Table,
        // The crate's requests are valid for a table with the right key.
        "ValidationException" if message.to_ascii_lowercase().contains("key") => Kind::Key,
        "AccessDeniedException" => Kind::Permission,
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException"
        | "InvalidClientTokenId" => Kind::Credentials,
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "RequestLimitExceeded" => Kind::Throttled,
        _ => Kind::Unreachable,
    }
}

/// Returns the cause without the raw response, which contains the item's value
/// after a read.
fn source<E, R>(error: SdkError<E, R>) -> Option<BoxError>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: fmt::Debug + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(failed) => {
            let said = failed.err().meta();
            said.code().map(|_| said.clone().into())
        }
        SdkError::ResponseError(_) => None,
        other => other.into_source().ok(),
    }
}
