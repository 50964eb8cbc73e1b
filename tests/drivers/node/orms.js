// Sequelize and TypeORM: what they read of tables, keys and indexes, and the queries that they make.

import { createRequire } from "node:module";

// The packages are where tests/run has put them, not beside this file.
const require = createRequire(`${process.env.NODE_CLIENTS}/`);
require("reflect-metadata");
const { Sequelize, QueryTypes, DataTypes, Op } = require("sequelize");
const { DataSource, EntitySchema, In, Like } = require("typeorm");

const at = {
  host: process.env.PGHOST,
  port: Number(process.env.PGPORT),
  username: process.env.PGUSER,
  password: process.env.PGPASSWORD,
  database: process.env.PGDATABASE,
};
const tables = ["connections", "queries", "session_filters", "sessions"];

const said = (label, ...values) => console.log(`${label}: ${values.map((value) => JSON.stringify(value)).join(" | ")}`);
const sorted = (list) => list.map((item) => JSON.stringify(item)).sort();

async function refused(label, action) {
  try {
    said(label, "not refused", await action());
  } catch (error) {
    said(label, (error.parent ?? error.driverError ?? error).code);
  }
}

async function sequelize() {
  const { username, password, database, host, port } = at;
  const db = new Sequelize(database, username, password, { host, port, dialect: "postgres", logging: false });
  await db.authenticate();
  const query = db.getQueryInterface();
  said("tables", sorted(await query.showAllTables()));
  said("schemas", await query.showAllSchemas());
  for (const table of tables) {
    const columns = Object.entries(await query.describeTable(table));
    sorted(columns).forEach((column) => said(`column of ${table}`, column));
    const indexes = await query.showIndex(table);
    said(`indexes of ${table}`, ...sorted(indexes.map((index) => ({ ...index, columns: index.columns }))));
    said(`foreign keys of ${table}`, ...sorted(await query.getForeignKeyReferencesForTable(table)));
    // Those of columns that are not NULL are called after the oids of their tables.
    const constraints = (await query.showConstraint(table)).filter((one) => !one.constraintName.endsWith("_not_null"));
    said(`constraints of ${table}`, ...sorted(constraints));
  }
  const options = { timestamps: false };
  const Session = db.define(
    "Session",
    {
      id: { type: DataTypes.BIGINT, primaryKey: true },
      service: DataTypes.TEXT,
      user: DataTypes.TEXT,
      port: DataTypes.INTEGER,
      application_name: DataTypes.TEXT,
    },
    { tableName: "sessions", ...options },
  );
  const Connection = db.define(
    "Connection",
    { session_id: { type: DataTypes.BIGINT, primaryKey: true }, server: DataTypes.TEXT },
    { tableName: "connections", ...options },
  );
  Session.hasMany(Connection, { foreignKey: "session_id" });
  const where = { application_name: "known" };
  const users = async (more) => (await Session.findAll({ where, order: ["user"], ...more })).map((row) => row.user);
  said("users", await users({}), await users({ include: Connection, limit: 2 }));
  const page = await Session.findAndCountAll({ where, include: Connection, limit: 1 });
  said("count", await Session.count({ where }), page.count);
  const grouped = { attributes: ["service", [db.fn("COUNT", db.col("id")), "n"]], group: ["service"], raw: true };
  said("grouped", await Session.findAll({ where, ...grouped }));
  for (const [name, user] of Object.entries({
    ilike: { [Op.iLike]: "%L%", [Op.ne]: null },
    any: { [Op.any]: ["alice", "nobody"] },
    regexp: { [Op.iRegexp]: "^[AB]" },
    between: { [Op.between]: ["a", "b"] },
  })) {
    said(name, await Session.count({ where: { ...where, user } }));
  }
  for (const isolationLevel of ["REPEATABLE READ", "SERIALIZABLE"]) {
    const isolated = (transaction) => Session.count({ where, transaction });
    said(isolationLevel, await db.transaction({ isolationLevel }, isolated));
  }
  const type = QueryTypes.SELECT;
  said("bound", await db.query("SELECT $1::int AS a, $2::text AS b", { bind: [1, "x"], type }));
  await refused("division", () => db.query("SELECT 1/0"));
  await refused("written", () => Session.create({ id: 1, service: "x" }));
  await db.close();
}

async function typeorm() {
  const entity = new EntitySchema({
    name: "Session",
    tableName: "sessions",
    columns: {
      id: { type: "bigint", primary: true },
      service: { type: "text" },
      user: { type: "text" },
      application_name: { type: "text" },
    },
  });
  const options = { type: "postgres", entities: [entity], synchronize: false, installExtensions: false };
  const db = new DataSource({ ...at, ...options });
  await db.initialize();
  const runner = db.createQueryRunner();
  const byName = (one, two) => (one.name < two.name ? -1 : 1);
  for (const table of (await runner.getTables(tables)).sort(byName)) {
    const columns = table.columns.map((c) => [c.name, c.type, c.isNullable, c.isPrimary, c.default, c.comment]);
    sorted(columns).forEach((column) => said(`columns of ${table.name}`, column));
    const keys = table.foreignKeys.map((k) => [k.name, k.columnNames, k.referencedTableName, k.referencedColumnNames]);
    said(`keys of ${table.name}`, ...sorted(keys), table.indices.length, table.uniques.length);
    said(`comment of ${table.name}`, table.comment);
  }
  said("has", await runner.hasTable("sessions"), await runner.hasColumn("sessions", "id"));
  said("in", await runner.getCurrentDatabase(), await runner.getCurrentSchema());
  const sessions = db.getRepository("Session");
  const application_name = "known";
  const order = { user: "ASC" };
  said("users", (await sessions.find({ where: { application_name }, order })).map((row) => row.user));
  const where = { application_name, user: In(["alice", "bob"]) };
  const [rows, count] = await sessions.findAndCount({ where, order, take: 1, skip: 1 });
  said("pages", rows.length, count);
  said("like", await sessions.countBy({ application_name, user: Like("ali%") }));
  said("exists", await sessions.existsBy({ user: "alice" }));
  const built = sessions.createQueryBuilder("s").select("s.service", "service").addSelect("COUNT(*)", "n");
  const known = built.where("s.application_name = :name", { name: application_name });
  said("grouped", await known.groupBy("s.service").getRawMany());
  const isolated = (manager) => manager.getRepository("Session").countBy({ application_name });
  said("isolated", await db.transaction("SERIALIZABLE", isolated));
  await refused("division", () => db.query("SELECT 1/0"));
  await refused("written", () => sessions.update({ id: -1 }, { service: "x" }));
  await db.destroy();
}

sequelize()
  .then(typeorm)
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
