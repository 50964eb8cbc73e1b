import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.postgresql.PGConnection;
import org.postgresql.PGStatement;
import org.postgresql.copy.CopyManager;

/** pgjdbc: what DBeaver, Metabase and Tableau ask of it. */
public class Pgjdbc {
  static final String KNOWN = "application_name = 'known'";
  static final String ENDLESS =
      "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 100000) c";

  static void said(String label, Object... values) {
    List<String> shown = new ArrayList<>();
    for (Object value : values) shown.add(String.valueOf(value).replace("\n", "\\n"));
    System.out.println(label + ": " + String.join(" | ", shown));
  }

  static Connection connected(String... more) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", System.getenv("PGUSER"));
    properties.setProperty("password", System.getenv("PGPASSWORD"));
    for (int i = 0; i < more.length; i += 2) properties.setProperty(more[i], more[i + 1]);
    return DriverManager.getConnection(
        "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE"),
        properties);
  }

  /** All columns of all rows, or those that are named. */
  static List<String> rows(ResultSet rows, String... columns) throws SQLException {
    ResultSetMetaData about = rows.getMetaData();
    List<String> names = new ArrayList<>(Arrays.asList(columns));
    if (names.isEmpty()) for (int i = 1; i <= about.getColumnCount(); i++) names.add(about.getColumnLabel(i));
    List<String> all = new ArrayList<>();
    while (rows.next()) {
      List<String> row = new ArrayList<>();
      for (String name : names) row.add(String.valueOf(rows.getObject(name)));
      all.add(String.join(",", row));
    }
    rows.close();
    return all;
  }

  static List<String> sorted(List<String> rows) {
    Collections.sort(rows);
    return rows;
  }

  static void metadata(Connection connection) throws SQLException {
    DatabaseMetaData about = connection.getMetaData();
    said("product", about.getDatabaseProductName(), about.getDatabaseMajorVersion(), about.getUserName());
    said("limits", about.getMaxColumnNameLength(), about.getMaxIndexLength() > 0, about.isReadOnly(), about.supportsSavepoints(),
        about.getDefaultTransactionIsolation());
    said("schemas", rows(about.getSchemas(), "TABLE_SCHEM"));
    said("schemas like", rows(about.getSchemas(null, "pub%"), "TABLE_SCHEM", "TABLE_CATALOG"));
    said("catalogs", rows(about.getCatalogs()));
    said("table types", rows(about.getTableTypes()));
    said("tables", rows(about.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"})));
    said("system tables", rows(about.getTables(null, "pg_catalog", "pg_cl%", new String[] {"SYSTEM TABLE", "SYSTEM VIEW"}), "TABLE_NAME", "TABLE_TYPE"));
    said("system views", rows(about.getTables(null, "information_schema", "table%", new String[] {"SYSTEM VIEW"}), "TABLE_NAME"));
    for (String table : List.of("sessions", "connections", "services", "listeners", "servers", "filters", "session_filters")) {
      for (String row : rows(about.getColumns(null, "public", table, "%"))) said("column of " + table, row);
      said("primary key of " + table, rows(about.getPrimaryKeys(null, "public", table)));
      said("imported keys of " + table, rows(about.getImportedKeys(null, "public", table)));
      said("exported keys of " + table, rows(about.getExportedKeys(null, "public", table)));
      said("indexes of " + table, rows(about.getIndexInfo(null, "public", table, false, true),
          "TABLE_NAME", "NON_UNIQUE", "INDEX_NAME", "TYPE", "ORDINAL_POSITION", "COLUMN_NAME", "ASC_OR_DESC"));
      said("best row of " + table, rows(about.getBestRowIdentifier(null, "public", table, DatabaseMetaData.bestRowSession, true)));
      said("privileges of " + table, rows(about.getTablePrivileges(null, "public", table)));
    }
    said("cross reference", rows(about.getCrossReference(null, "public", "sessions", null, "public", "connections")));
    said("privileges of a column", rows(about.getColumnPrivileges(null, "public", "sessions", "id")));
    said("versions", rows(about.getVersionColumns(null, "public", "sessions")));
    List<String> types = rows(about.getTypeInfo(), "TYPE_NAME", "DATA_TYPE", "PRECISION");
    for (String type : List.of("int8", "text", "timestamptz", "bool", "float8", "numeric", "inet", "uuid", "jsonb", "_int4"))
      said("type " + type, types.stream().filter(row -> row.startsWith(type + ",")).toList());
    said("functions", sorted(rows(about.getFunctions(null, "pg_catalog", "pg_backend_pid"), "FUNCTION_SCHEM", "FUNCTION_NAME", "FUNCTION_TYPE")));
    said("function columns", rows(about.getFunctionColumns(null, "pg_catalog", "substr", "%"),
        "FUNCTION_NAME", "COLUMN_NAME", "COLUMN_TYPE", "TYPE_NAME", "ORDINAL_POSITION").size() > 0);
    said("procedures", rows(about.getProcedures(null, null, "%"), "PROCEDURE_NAME"));
    said("user types", rows(about.getUDTs(null, "public", "%", null)));
    said("super tables and client information", rows(about.getClientInfoProperties(), "NAME"));
    said("words", about.getSQLKeywords().length() > 100, about.getNumericFunctions().contains("abs"), about.getStringFunctions().contains("concat"));
    said("schema", connection.getSchema(), connection.getCatalog());
  }

  static void queries(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      ResultSet rows = statement.executeQuery("SELECT * FROM sessions WHERE " + KNOWN + " ORDER BY \"user\"");
      ResultSetMetaData about = rows.getMetaData();
      for (int i = 1; i <= about.getColumnCount(); i++)
        said("result column " + about.getColumnName(i), about.getColumnTypeName(i), about.getColumnType(i), about.getColumnClassName(i),
            about.getPrecision(i), about.getScale(i), about.isNullable(i), about.isAutoIncrement(i), about.getTableName(i), about.isSigned(i));
      said("users", rows(rows, "user"));
    }
    // Binary, and prepared on the server, after five executions.
    try (PreparedStatement ask = connection.prepareStatement("SELECT \"user\", port > 0, idle >= 0, connected < now() FROM sessions WHERE id = ?")) {
      List<Long> ids = new ArrayList<>();
      try (Statement statement = connection.createStatement();
          ResultSet rows = statement.executeQuery("SELECT id FROM sessions WHERE " + KNOWN + " ORDER BY \"user\"")) {
        while (rows.next()) ids.add(rows.getLong(1));
      }
      for (int run = 1; run <= 8; run++) {
        ask.setLong(1, ids.get(run % 3));
        ResultSet rows = ask.executeQuery();
        rows.next();
        said("run " + run, rows.getString(1), rows.getBoolean(2), rows.getBoolean(3), rows.getBoolean(4), ask.unwrap(PGStatement.class).isUseServerPrepare());
      }
      said("parameter", ask.getParameterMetaData().getParameterTypeName(1), ask.getParameterMetaData().getParameterCount());
    }
    String all = "SELECT true, 1::int2, 2::int4, 3::int8, 1.5::float4, 0.1::float8, 12.340::numeric(10,3), 'text', date '2024-02-29', time '01:02:03',"
        + " timestamp '2024-02-29 01:02:03.5', timestamptz '2024-02-29 01:02:03+00', '\\x00ff'::bytea, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid,"
        + " interval '1 day 02:03:04', ARRAY[1, NULL, 3]::int4[], ARRAY['a', 'b']::text[], '[1]'::jsonb, 42::oid, NULL::int4";
    try (PreparedStatement ask = connection.prepareStatement(all)) {
      for (int run = 1; run <= 7; run++) {
        ResultSet rows = ask.executeQuery();
        rows.next();
        List<String> values = new ArrayList<>();
        for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
          Object value = rows.getObject(i);
          if (value instanceof byte[] bytes) value = Arrays.toString(bytes);
          if (value instanceof Array array) value = Arrays.toString((Object[]) array.getArray());
          values.add(rows.getMetaData().getColumnTypeName(i) + " " + value);
        }
        if (run == 1 || run == 7) said("types in run " + run, values);
      }
    }
    try (PreparedStatement ask = connection.prepareStatement("SELECT ?::int8, ?::text, ?::float8, ?::numeric, ?::bool, ?::timestamptz, ?::date, ?::int4[], ?::text")) {
      for (int run = 1; run <= 7; run++) {
        ask.setLong(1, 1);
        ask.setString(2, "it's");
        ask.setDouble(3, 0.5);
        ask.setBigDecimal(4, new BigDecimal("12.0123456789"));
        ask.setBoolean(5, true);
        ask.setObject(6, OffsetDateTime.parse("2024-02-29T01:02:03Z"));
        ask.setDate(7, java.sql.Date.valueOf("2024-02-29"));
        ask.setArray(8, connection.createArrayOf("int4", new Integer[] {1, 2}));
        ask.setNull(9, Types.VARCHAR);
        List<String> got = rows(ask.executeQuery());
        if (run == 1 || run == 7) said("parameters in run " + run, got);
      }
    }
    try (PreparedStatement ask = connection.prepareStatement("SELECT \"user\" FROM sessions WHERE " + KNOWN + " AND \"user\" = ANY(?) ORDER BY 1")) {
      ask.setArray(1, connection.createArrayOf("text", new String[] {"alice", "carol"}));
      said("any", rows(ask.executeQuery()));
    }
    try (PreparedStatement ask = connection.prepareStatement("SELECT count(*) FROM sessions WHERE connected < ? AND " + KNOWN)) {
      ask.setTimestamp(1, new Timestamp(System.currentTimeMillis() + 60_000));
      said("timestamp", rows(ask.executeQuery()));
    }
    try (PreparedStatement ask = connection.prepareStatement("SELECT ? + 1")) {
      ask.setInt(1, 41);
      said("untyped", rows(ask.executeQuery()));
    }
    try (PreparedStatement ask = connection.prepareStatement("SELECT \"user\" FROM sessions WHERE " + KNOWN + " ORDER BY 1")) {
      said("before it runs", ask.getMetaData().getColumnTypeName(1));
      ask.setMaxRows(2);
      said("max rows", rows(ask.executeQuery()));
      ask.setMaxRows(Integer.MAX_VALUE);
      said("max rows of all", rows(ask.executeQuery()));
    }
    try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
      ResultSet rows = statement.executeQuery("SELECT g FROM generate_series(1, 5) g");
      said("scroll", rows.last(), rows.getRow(), rows.getInt(1), rows.first(), rows.getInt(1), rows.absolute(3), rows.getInt(1));
    }
    try (Statement statement = connection.createStatement()) {
      said("two", statement.execute("SELECT 1::int4; SELECT 2::int4"), statement.getMoreResults(), rows(statement.getResultSet()));
      said("escapes", rows(statement.executeQuery("SELECT {fn concat('a', 'b')}, {d '2024-02-29'}, {fn ucase('x')}")));
    }
  }

  static void cursors() throws SQLException {
    try (Connection connection = connected()) {
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.setFetchSize(100);
        ResultSet rows = statement.executeQuery("SELECT g FROM generate_series(1, 1050) g ORDER BY g");
        long sum = 0, count = 0;
        while (rows.next()) {
          sum += rows.getLong(1);
          count++;
        }
        said("fetch size", sum, count);
      }
      try (PreparedStatement ask = connection.prepareStatement("SELECT g FROM generate_series(1, ?::int4) g ORDER BY g")) {
        ask.setFetchSize(3);
        for (int run = 0; run < 7; run++) {
          ask.setInt(1, 10);
          List<String> got = rows(ask.executeQuery());
          if (run == 6) said("prepared with fetch size", got);
        }
      }
      connection.commit();
    }
    try (Connection connection = connected("defaultRowFetchSize", "2", "preferQueryMode", "extended")) {
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        said("by default", rows(statement.executeQuery("SELECT g FROM generate_series(1, 5) g")));
      }
    }
    try (Connection connection = connected("preferQueryMode", "simple"); Statement statement = connection.createStatement()) {
      said("simple", rows(statement.executeQuery("SELECT \"user\" FROM sessions WHERE " + KNOWN + " ORDER BY 1")));
    }
    try (Connection connection = connected("preferQueryMode", "extendedCacheEverything"); Statement statement = connection.createStatement()) {
      for (int run = 0; run < 7; run++) rows(statement.executeQuery("SELECT 1::int4"));
      said("everything cached", rows(statement.executeQuery("SELECT 1::int4")));
    }
  }

  static void transactions() throws Exception {
    try (Connection connection = connected()) {
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.execute("SELECT 1");
        Savepoint savepoint = connection.setSavepoint("before");
        try {
          statement.executeQuery("SELECT * FROM nothing");
        } catch (SQLException error) {
          said("mistake", error.getSQLState(), error.getMessage().split("\n")[0]);
        }
        try {
          statement.executeQuery("SELECT 1");
        } catch (SQLException error) {
          said("aborted", error.getSQLState());
        }
        connection.rollback(savepoint);
        said("after savepoint", rows(statement.executeQuery("SELECT 2::int4")));
        connection.releaseSavepoint(connection.setSavepoint());
        connection.commit();
      }
      connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      connection.setReadOnly(true);
      try (Statement statement = connection.createStatement()) {
        said("isolation", rows(statement.executeQuery("SHOW transaction_isolation")), connection.getTransactionIsolation(), connection.isReadOnly());
        try {
          statement.executeUpdate("DELETE FROM sessions");
        } catch (SQLException error) {
          said("delete", error.getSQLState());
        }
        connection.rollback();
      }
      connection.setReadOnly(false);
      connection.setAutoCommit(true);
      connection.setNetworkTimeout(null, 30_000);
      said("valid", connection.isValid(5));
      connection.setClientInfo("ApplicationName", "renamed");
      try (Statement statement = connection.createStatement()) {
        said("client information", rows(statement.executeQuery("SHOW application_name")));
        statement.setQueryTimeout(1);
        try {
          statement.executeQuery(ENDLESS);
        } catch (SQLException error) {
          said("query timeout", error.getSQLState());
        }
        statement.setQueryTimeout(0);
        CountDownLatch over = new CountDownLatch(1);
        Thread canceller = new Thread(() -> {
          try {
            // Whatever comes before the statement cancels nothing.
            while (!over.await(100, TimeUnit.MILLISECONDS)) statement.cancel();
          } catch (Exception error) {
            throw new RuntimeException(error);
          }
        });
        canceller.start();
        try {
          statement.executeQuery(ENDLESS);
        } catch (SQLException error) {
          said("cancelled", error.getSQLState());
        }
        over.countDown();
        canceller.join();
        said("alive", rows(statement.executeQuery("SELECT 3::int4")));
        statement.execute("ROLLBACK");
        said("warning", statement.getWarnings() == null ? null : statement.getWarnings().getSQLState());
      }
      StringWriter out = new StringWriter();
      CopyManager copies = connection.unwrap(PGConnection.class).getCopyAPI();
      said("copy", copies.copyOut("COPY (SELECT g::int4, 'row ' || g FROM generate_series(1, 2) g) TO STDOUT (FORMAT csv)", out), out);
      said("notifications", Arrays.toString(connection.unwrap(PGConnection.class).getNotifications()));
      said("parameters", connection.unwrap(PGConnection.class).getParameterStatus("server_encoding"),
          connection.unwrap(PGConnection.class).getParameterStatus("DateStyle"));
    }
    try (Connection connection = connected("currentSchema", "information_schema,public", "options", "-c statement_timeout=5min", "ApplicationName", "app");
        Statement statement = connection.createStatement()) {
      said("options", connection.getSchema(), rows(statement.executeQuery("SHOW statement_timeout")), rows(statement.executeQuery("SHOW application_name")));
    }
  }

  public static void main(String[] arguments) throws Exception {
    try (Connection connection = connected()) {
      metadata(connection);
      queries(connection);
    }
    cursors();
    transactions();
  }
}
