// Node: pg with cursors and streams, postgres, the introspection of knex and kysely.

import { createRequire } from "node:module";

// The packages are where tests/run has put them, not beside this file.
const require = createRequire(`${process.env.NODE_CLIENTS}/`);
const pg = require("pg");
const Cursor = require("pg-cursor");
const QueryStream = require("pg-query-stream");
const postgres = require("postgres");
const knex = require("knex");
const { Kysely, PostgresDialect, sql: raw } = require("kysely");

const KNOWN = "application_name = 'known'";
const ENDLESS =
  "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 100000) c";
const { PGHOST: host, PGPORT, PGUSER: user, PGPASSWORD: password, PGDATABASE: database } = process.env;
const port = Number(PGPORT);

function said(label, ...values) {
  console.log(`${label}: ${values.map((value) => JSON.stringify(value)).join(" | ")}`);
}

async function refused(label, promise) {
  try {
    await promise;
    said(label, "not refused");
  } catch (error) {
    said(label, error.code, error.severity, error.position);
  }
}

async function withPg() {
  const client = new pg.Client();
  await client.connect();
  const known = await client.query(`SELECT "user", service, active, port > 0 AS tcp FROM sessions WHERE ${KNOWN} ORDER BY "user"`);
  said("pg rows", known.rows, known.rowCount, known.command);
  said("pg fields", known.fields.map(({ name, dataTypeID, dataTypeSize, format }) => [name, dataTypeID, dataTypeSize, format]));
  said("pg parameters", (await client.query(`SELECT "user" FROM sessions WHERE ${KNOWN} AND "user" = $1`, ["bob"])).rows);
  said("pg any", (await client.query(`SELECT "user" FROM sessions WHERE ${KNOWN} AND "user" = ANY($1) ORDER BY 1`, [["alice", "carol"]])).rows);
  const ids = (await client.query(`SELECT id FROM sessions WHERE ${KNOWN} ORDER BY id`)).rows.map((row) => row.id);
  said("pg any of ids", (await client.query('SELECT "user" FROM sessions WHERE id = ANY($1::bigint[]) ORDER BY 1', [ids.slice(0, 2)])).rows);
  said("pg any of untyped ids", (await client.query('SELECT "user" FROM sessions WHERE id = ANY($1) ORDER BY 1', [ids.slice(0, 2)])).rows);
  for (let run = 0; run < 3; run++) {
    said("pg named", (await client.query({ name: "by id", text: 'SELECT "user" FROM sessions WHERE id = $1', values: [ids[run]], rowMode: "array" })).rows.length);
  }
  const types = `SELECT true AS a, 1::int2 AS b, 2::int4 AS c, 3::int8 AS d, 1.5::float8 AS e, 12.50::numeric(10, 2) AS f, 'text' AS g,
    date '2024-02-29' AS h, timestamptz '2024-02-29 01:02:03+00' AS i, '\\x00ff'::bytea AS k, '{"a": [1]}'::json AS l, '{"a": 1}'::jsonb AS m,
    ARRAY[1, NULL, 3]::int4[] AS n, ARRAY['a', 'b,c'] AS o, interval '1 day 2 hours' AS p, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS q, NULL AS r,
    '10.0.0.1'::inet AS s, ARRAY[true, false] AS t, 'n'::name AS u, time '01:02:03' AS v`;
  said("pg types", (await client.query(types)).rows);
  const echoed = "SELECT $1::int4 AS a, $2::text AS b, $3::bool AS c, $4::timestamptz AS d, $5::jsonb AS e, $6::int4[] AS f, $7::bytea AS g, $8::float8 AS h, $9::text AS i";
  const values = [7, "it's", true, new Date("2024-02-29T01:02:03Z"), { a: 1 }, [1, 2], Buffer.from([0, 255]), 0.5, null];
  said("pg echoed", (await client.query(echoed, values)).rows);
  const cursor = client.query(new Cursor("SELECT g::int8 FROM generate_series(1, $1::int4) g", [7], { rowMode: "array" }));
  said("pg cursor", await cursor.read(3), await cursor.read(3), await cursor.read(3), await cursor.read(3));
  await cursor.close();
  const early = client.query(new Cursor("SELECT g FROM generate_series(1, 100000) g"));
  await early.read(1);
  await early.close();
  let sum = 0;
  for await (const row of client.query(new QueryStream("SELECT g FROM generate_series(1, 1000) g", [], { batchSize: 10, highWaterMark: 10 }))) sum += Number(row.g);
  said("pg stream", sum);
  said("pg several", (await client.query("SELECT 1::int4 AS a; SELECT 'two' AS b")).map((result) => result.rows));
  await refused("pg table", client.query("SELECT * FROM nothing"));
  await refused("pg syntax", client.query("SELEC 1"));
  await refused("pg division", client.query("SELECT 1/0"));
  await refused("pg parameter", client.query('SELECT 1 FROM sessions WHERE id = $1', ["x"]));
  await client.query("BEGIN");
  await client.query("SAVEPOINT s");
  await refused("pg in a transaction", client.query("SELECT * FROM nothing"));
  await refused("pg aborted", client.query("SELECT 1"));
  await client.query("ROLLBACK TO s");
  said("pg after savepoint", (await client.query("SELECT 1::int4 AS a")).rows);
  await client.query("COMMIT");
  await client.query("SET statement_timeout = 100");
  await refused("pg timeout", client.query(ENDLESS));
  await client.query("RESET ALL");
  await client.query("LISTEN channel");
  await client.query("DISCARD ALL");
  await client.end();
  const pool = new pg.Pool({ max: 3, options: "-c statement_timeout=5min", application_name: "pool" });
  const all = await Promise.all([1, 2, 3, 4, 5, 6].map((i) => pool.query("SELECT $1::int4 AS x", [i])));
  said("pg pool", all.map((result) => result.rows[0].x));
  said("pg options", (await pool.query("SHOW statement_timeout")).rows, (await pool.query("SHOW application_name")).rows);
  await pool.end();
}

async function withPostgres() {
  const sql = postgres({ host, port, user, password, database, max: 2, onnotice: () => {} });
  const KNOWN_NAME = "known";
  said("postgres rows", await sql`SELECT "user", service FROM sessions WHERE application_name = ${KNOWN_NAME} ORDER BY "user"`);
  said("postgres in", await sql`SELECT "user" FROM sessions WHERE application_name = ${KNOWN_NAME} AND "user" IN ${sql(["alice", "bob"])} ORDER BY 1`);
  said("postgres any", await sql`SELECT "user" FROM sessions WHERE application_name = ${KNOWN_NAME} AND "user" = ANY(${["alice", "bob"]}) ORDER BY 1`);
  said("postgres columns", (await sql`SELECT * FROM sessions LIMIT 0`).columns.map(({ name, type }) => [name, type]));
  said("postgres types", await sql`SELECT ${7}::int4 AS a, ${"x"}::text AS b, ${true}::bool AS c, ${new Date("2024-02-29T01:02:03Z")}::timestamptz AS d,
    ${sql.json({ a: 1 })}::jsonb AS e, ${sql.array([1, 2])}::int4[] AS f, ${Buffer.from([0, 255])}::bytea AS g`);
  said("postgres described", (await sql`SELECT id, "user" FROM sessions WHERE id = ${1} AND "user" = ${"x"}`.describe()).types);
  const chunks = [];
  for await (const rows of sql`SELECT g::int4 FROM generate_series(1, 5) g`.cursor(2)) chunks.push(rows.map((row) => row.g));
  said("postgres cursor", chunks);
  let count = 0;
  await sql`SELECT g FROM generate_series(1, 100) g`.forEach(() => count++);
  said("postgres each", count);
  said("postgres transaction", await sql.begin("read only", async (sql) => {
    await sql.savepoint(async (sql) => sql`SELECT * FROM nothing`).catch((error) => said("postgres savepoint", error.code));
    return sql`SELECT 2::int4 AS x`;
  }));
  await refused("postgres mistake", sql`SELECT no FROM sessions`);
  const cancelled = sql.unsafe(ENDLESS);
  // Whatever comes before the statement cancels nothing.
  const canceller = setInterval(() => cancelled.cancel(), 100);
  await refused("postgres cancelled", cancelled);
  clearInterval(canceller);
  said("postgres simple", (await sql.unsafe("SELECT 1::int4 AS a; SELECT 2::int4 AS b")).length);
  const copied = await sql`COPY (SELECT g::int4, 'row ' || g FROM generate_series(1, 2) g) TO STDOUT`.readable();
  let text = "";
  for await (const chunk of copied) text += chunk;
  said("postgres copy", text);
  await sql.end();
}

async function withKnex() {
  const db = knex({ client: "pg", connection: { host, port, user, password, database }, pool: { min: 0, max: 2 } });
  said("knex has", await db.schema.hasTable("sessions"), await db.schema.hasTable("nothing"), await db.schema.hasColumn("sessions", "user"));
  const columns = await db("sessions").columnInfo();
  said("knex columns", Object.fromEntries(Object.entries(columns).sort()));
  said("knex column", await db("services").columnInfo("name"));
  said("knex query", await db("sessions").where({ application_name: "known" }).whereIn("user", ["alice", "bob"]).orderBy("user").select("user", "service"));
  said("knex join", await db("sessions").join("services", "services.name", "sessions.service").where("application_name", "known")
    .groupBy("services.router").count("* as n").select("services.router"));
  said("knex page", await db("sessions").where("application_name", "known").orderBy("user").limit(1).offset(1).pluck("user"));
  await db.transaction(async (transaction) => said("knex transaction", await transaction.raw("SELECT 1::int4 AS a").then((result) => result.rows)));
  await refused("knex mistake", db("nothing").select());
  await db.destroy();
}

async function withKysely() {
  const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ max: 1 }) }) });
  said("kysely schemas", (await db.introspection.getSchemas()).map(({ name }) => name).filter((name) => !name.startsWith("pg_toast") && !name.startsWith("pg_temp")).sort());
  const tables = await db.introspection.getTables();
  for (const table of tables.sort((a, b) => a.name.localeCompare(b.name))) {
    said(`kysely ${table.schema}.${table.name}`, table.isView, table.columns.map(({ name, dataType, isNullable, isAutoIncrementing, hasDefaultValue, comment }) =>
      [name, dataType, isNullable, isAutoIncrementing, hasDefaultValue, comment]));
  }
  said("kysely query", await db.selectFrom("sessions").select(["user", "service"]).where("application_name", "=", "known").orderBy("user").execute());
  said("kysely count", await db.selectFrom("sessions").select(({ fn }) => fn.countAll().as("n")).where("application_name", "=", "known").executeTakeFirst());
  said("kysely raw", (await raw`SELECT ${1}::int4 AS a`.execute(db)).rows);
  await db.destroy();
}

for (const part of [withPg, withPostgres, withKnex, withKysely]) await part();
