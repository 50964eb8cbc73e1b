import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.Arrays;

/** The nanoseconds that one prepared look-up by id takes in each of two databases, medians of rounds that take turns. */
public class Lookup {
  static final int ROUNDS = 9;
  static final int REPEATS = 2000;

  static PreparedStatement prepared(String port, String user, String database, String table) throws Exception {
    Connection connection = DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port + "/" + database, user, "");
    return connection.prepareStatement("SELECT id, service, \"user\", bytes_in FROM " + table + " WHERE id = ?");
  }

  static void ask(PreparedStatement statement, long key) throws Exception {
    statement.setLong(1, key);
    try (ResultSet rows = statement.executeQuery()) {
      if (!rows.next() || rows.getLong(1) != key || rows.getString(3) == null) throw new IllegalStateException("no row");
    }
  }

  public static void main(String[] given) throws Exception {
    long key = Long.parseLong(given[8]);
    PreparedStatement[] statements = {
      prepared(given[0], given[1], given[2], given[3]), prepared(given[4], given[5], given[6], given[7])
    };
    double[][] times = new double[2][ROUNDS];
    for (PreparedStatement statement : statements) for (int i = 0; i < 5 * REPEATS; i++) ask(statement, key);
    for (int round = 0; round < ROUNDS; round++) {
      for (int which = 0; which < 2; which++) {
        long begun = System.nanoTime();
        for (int i = 0; i < REPEATS; i++) ask(statements[which], key);
        times[which][round] = (System.nanoTime() - begun) / (double) REPEATS;
      }
    }
    for (double[] rounds : times) {
      Arrays.sort(rounds);
      System.out.println(rounds[ROUNDS / 2]);
    }
  }
}
