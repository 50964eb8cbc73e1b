//! What mysql_async finds: as the others beside it, see `drivers.rs`.

use std::error::Error;
use std::io::stdin;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts, TxOpts};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, tls] = &arguments[..] else {
        return Err("a port, and whether by TLS".into());
    };
    let ssl = SslOpts::default().with_danger_accept_invalid_certs(true);
    let opts: Opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(port.parse()?)
        .user(Some("app"))
        .pass(Some("secret"))
        .db_name(Some("app"))
        // It asks a server at this address for its socket, and would go there: past the proxy.
        .prefer_socket(false)
        .ssl_opts((tls == "tls").then_some(ssl))
        .into();
    let mut conn = Conn::new(opts.clone()).await?;
    println!("session {}", conn.id());
    stdin().read_line(&mut String::new())?;

    conn.query_drop("CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, name TEXT)")
        .await?;
    let rows = (0..1000).map(|id| (id, format!("row {id}")));
    conn.exec_batch("INSERT INTO t VALUES (?, ?)", rows).await?;
    let sum: Option<(i64, String)> = conn
        .exec_first(
            "SELECT CAST(SUM(id) AS INT), MIN(name) FROM t WHERE id < ?",
            (500,),
        )
        .await?;
    let (sum, first) = sum.ok_or("no row")?;
    println!("sum {sum} {first}");

    for ends in ["rollback", "commit"] {
        let mut transaction = conn.start_transaction(TxOpts::default()).await?;
        transaction
            .exec_drop("DELETE FROM t WHERE id < ?", (10,))
            .await?;
        let inside: Option<i64> = transaction.query_first("SELECT @@in_transaction").await?;
        println!("inside {}", inside.unwrap_or_default());
        match ends {
            "rollback" => transaction.rollback().await?,
            _ => transaction.commit().await?,
        }
        let left: Option<i64> = conn.query_first("SELECT COUNT(*) FROM t").await?;
        println!("{ends} {}", left.unwrap_or_default());
    }

    match conn.query_drop("SELECT * FROM nowhere").await {
        Err(mysql_async::Error::Server(error)) => println!("error {}", error.code),
        other => println!("no error: {other:?}"),
    }
    let length: Option<i64> = conn
        .exec_first("SELECT LENGTH(?)", ("x".repeat(20_000_000),))
        .await?;
    println!("length {}", length.unwrap_or_default());

    let id = conn.id();
    let mut other = Conn::new(opts).await?;
    let killing = async {
        let sleeping =
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'";
        while other.query_first::<i64, _>(sleeping).await? != Some(1) {}
        other.query_drop(format!("KILL QUERY {id}")).await
    };
    let (slept, killed) = tokio::join!(conn.query_first::<i64, _>("SELECT SLEEP(600)"), killing);
    killed?;
    match slept {
        Ok(Some(1)) => println!("killed"),
        Err(mysql_async::Error::Server(error)) if error.code == 1317 => println!("killed"),
        other => println!("not killed: {other:?}"),
    }
    // What is known of the session is forgotten, and it goes on.
    println!("reset {}", conn.reset().await?);
    let alive: Option<i64> = conn.query_first("SELECT 1").await?;
    println!("alive {}", alive.unwrap_or_default());
    other.disconnect().await?;
    conn.disconnect().await?;
    Ok(())
}
