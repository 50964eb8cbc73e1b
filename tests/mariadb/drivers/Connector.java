// What MariaDB Connector/J finds: as the others beside it, see `drivers.rs`.

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.mariadb.jdbc.MariaDbConnection;

public class Connector {
    static long value(Statement statement, String sql) throws SQLException {
        try (ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    public static void main(String[] arguments) throws Exception {
        String tls = arguments[1].equals("tls") ? "&useSsl=true&trustServerCertificate=true" : "&useSsl=false";
        String url = "jdbc:mariadb://127.0.0.1:" + arguments[0] + "/app?user=app&password=secret"
            + "&useServerPrepStmts=true" + tls;
        try (Connection connection = DriverManager.getConnection(url);
             Connection other = DriverManager.getConnection(url);
             Statement statement = connection.createStatement();
             Statement asking = other.createStatement()) {
            System.out.println("session " + ((MariaDbConnection) connection).getServerThreadId());
            System.in.read();

            statement.execute("CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, name TEXT)");
            try (PreparedStatement insert = connection.prepareStatement("INSERT INTO t VALUES (?, ?)")) {
                for (int id = 0; id < 1000; id++) {
                    insert.setInt(1, id);
                    insert.setString(2, "row " + id);
                    insert.addBatch();
                }
                // By COM_STMT_BULK_EXECUTE, which is MariaDB's own.
                insert.executeBatch();
            }
            String sum = "SELECT CAST(SUM(id) AS INT), MIN(name) FROM t WHERE id < ?";
            try (PreparedStatement select = connection.prepareStatement(sum)) {
                select.setInt(1, 500);
                ResultSet rows = select.executeQuery();
                rows.next();
                System.out.println("sum " + rows.getLong(1) + " " + rows.getString(2));
            }

            for (String ends : new String[] {"rollback", "commit"}) {
                connection.setAutoCommit(false);
                try (PreparedStatement delete = connection.prepareStatement("DELETE FROM t WHERE id < ?")) {
                    delete.setInt(1, 10);
                    delete.executeUpdate();
                }
                System.out.println("inside " + value(statement, "SELECT @@in_transaction"));
                if (ends.equals("rollback")) {
                    connection.rollback();
                } else {
                    connection.commit();
                }
                connection.setAutoCommit(true);
                System.out.println(ends + " " + value(statement, "SELECT COUNT(*) FROM t"));
            }

            try {
                statement.executeQuery("SELECT * FROM nowhere");
            } catch (SQLException error) {
                System.out.println("error " + error.getErrorCode());
            }
            try (PreparedStatement select = connection.prepareStatement("SELECT LENGTH(?)")) {
                select.setString(1, "x".repeat(20_000_000));
                ResultSet rows = select.executeQuery();
                rows.next();
                System.out.println("length " + rows.getLong(1));
            }

            String sleeping = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'";
            Thread killing = new Thread(() -> {
                try {
                    while (value(asking, sleeping) != 1) {
                        Thread.onSpinWait();
                    }
                    // By a KILL QUERY of its own connection's.
                    statement.cancel();
                } catch (SQLException error) {
                    System.out.println("cannot cancel: " + error);
                }
            });
            killing.start();
            try {
                System.out.println(value(statement, "SELECT SLEEP(600)") == 1 ? "killed" : "not killed");
            } catch (SQLException error) {
                System.out.println(error.getErrorCode() == 1317 ? "killed" : "not killed: " + error);
            }
            killing.join();
            ((MariaDbConnection) connection).reset();
            System.out.println("reset true");
            System.out.println("alive " + value(statement, "SELECT 1"));
        }
    }
}
