use std::{
    io::{BufRead as _, BufReader, Error, ErrorKind},
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        TableStatus,
    },
};
use aws_smithy_http_client::Builder;
use tower_genesys::BoxError;

/// dynalite, an in-memory DynamoDB, on a free port. It ends with this value or
/// the program.
pub(crate) struct Emulator {
    /// Ends the server when its input ends, even if this program is killed.
    shell: Child,
    url: String,
}

const SCRIPT: &str = "command -v dynalite >/dev/null || exit 127; dynalite --host 127.0.0.1 --port \"$1\" \
     --createTableMs 0 2>/dev/null & read -r _ ; kill $!";

impl Emulator {
    pub(crate) fn start() -> Result<Self, BoxError> {
        // Another process may take the port first.
        for _ in 0..10 {
            if let Some(emulator) = Self::start_at(free_port()?)? {
                return Ok(emulator);
            }
        }
        Err("dynalite does not start on any of ten free ports; try `dynalite --port 4567`".into())
    }

    fn start_at(port: u16) -> Result<Option<Self>, BoxError> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "emulator", &port.to_string()]);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut emulator = Self {
            shell: shell.spawn()?,
            url: format!("http://127.0.0.1:{port}"),
        };
        let output = emulator.shell.stdout.take();
        let output = output.ok_or_else(|| Error::from(ErrorKind::BrokenPipe))?;
        let mut line = String::new();
        // The line appears once the server listens.
        BufReader::new(output).read_line(&mut line)?;
        if line.contains("listening") {
            return Ok(Some(emulator));
        }
        // Closing its input ends the shell, if it still runs.
        drop(emulator.shell.stdin.take());
        match emulator.shell.wait()?.code() {
            Some(127) => Err("dynalite is not installed: run `tests/install-servers.sh dynalite` (it needs npm), as \
                 `make servers` does"
                .into()),
            _ => Ok(None),
        }
    }

    /// Creates a client as in AWS's documentation, except for plain HTTP and
    /// fixed credentials.
    pub(crate) fn client(&self) -> Client {
        Client::from_conf(
            Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(Credentials::new("id", "secret", None, None, "emulator"))
                .endpoint_url(&self.url)
                .http_client(Builder::new().build_http())
                .build(),
        )
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn free_port() -> Result<u16, Error> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Creates a table with this key attribute, and waits until it is active.
pub(crate) async fn create_table(client: &Client, name: &str, key: &str) -> Result<(), BoxError> {
    let attribute = AttributeDefinition::builder().attribute_name(key);
    let element = KeySchemaElement::builder().attribute_name(key);
    let create = client.create_table().table_name(name);
    let create = create.billing_mode(BillingMode::PayPerRequest);
    let create = create
        .attribute_definitions(attribute.attribute_type(ScalarAttributeType::S).build()?)
        .key_schema(element.key_type(KeyType::Hash).build()?);
    create.send().await?;
    loop {
        let described = client.describe_table().table_name(name).send().await?;
        let status = described.table().and_then(|table| table.table_status());
        if status == Some(&TableStatus::Active) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
