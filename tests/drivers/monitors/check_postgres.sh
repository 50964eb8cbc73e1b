# check_postgres: its verdicts, without the figures, which are of any two servers two.
for action in archive_ready autovac_freeze backends bloat commitratio connection database_size dbstats \
  disabled_triggers hitratio index_size indexes_size last_analyze last_autoanalyze last_autovacuum last_vacuum locks \
  pg_stat_statements prepared_txns query_time relation_size replication_slots sequence table_size timesync \
  total_relation_size txn_idle txn_time txn_wraparound wal_files; do
  said=$(check_postgres --action="$action" -H "$PGHOST" -p "$PGPORT" -u "$PGUSER" --dbname="$PGDATABASE" 2>&1 | head -n 1)
  # Of failed statements the error is the verdict.
  case "$said" in
    POSTGRES_*) said=$(echo "$said" | sed -E 's/^(POSTGRES_[A-Z_]+ [A-Z]+).*/\1/') ;;
    backends:*) said=$(echo "$said" | sed -E 's/:[^ ]+/:/g') ;;
  esac
  echo "$action: $said"
done
