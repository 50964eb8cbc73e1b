# ActiveRecord: the schema that it reads and dumps, queries with and without prepared statements, transactions.
require 'active_record'
require 'stringio'

$stdout.sync = true

def said(label, *values)
  puts "#{label}: #{values.map(&:inspect).join(' | ')}"
end

def refused(label)
  said(label, 'not refused', yield)
rescue ActiveRecord::StatementInvalid => e
  said(label, e.cause.result.error_field(PG::Result::PG_DIAG_SQLSTATE))
end

class Session < ActiveRecord::Base
  self.table_name = 'sessions'
  has_many :connections, foreign_key: 'session_id'
end

class Connection < ActiveRecord::Base
  self.table_name = 'connections'
  belongs_to :session
end

def schema(connection)
  connection.tables.sort.each do |table|
    connection.columns(table).each do |c|
      said("column of #{table}", c.name, c.sql_type, c.type, c.null, c.default, c.comment)
    end
    said("keys of #{table}", connection.primary_key(table), connection.primary_keys(table))
    said("indexes of #{table}", connection.indexes(table).map { |i| [i.name, i.columns, i.unique] })
    keys = connection.foreign_keys(table).map { |k| [k.from_table, k.to_table, k.options] }
    said("foreign keys of #{table}", keys.sort_by(&:inspect))
    said("comment of #{table}", connection.table_comment(table), connection.column_exists?(table, 'state'))
  end
  said('database', connection.current_database, connection.current_schema, connection.encoding, connection.collation)
  said('schemas', connection.schema_names.include?('public'), connection.schema_search_path, connection.extensions)
  out = StringIO.new
  ActiveRecord::SchemaDumper.dump(connection, out)
  out.string.each_line.map(&:chomp).reject(&:empty?).sort.each { |line| said('dump', line) }
end

def asked(known)
  said('users', known.order(:user).pluck(:user))
  said('count', known.count, known.distinct.count(:service), known.exists?)
  said('grouped', known.group(:service).having('count(*) > 1').count)
  said('found', known.order(:user).first.user, known.find_by(user: 'bob').user, Session.find_by(id: -5))
  said('conditions', known.where('"user" LIKE ?', 'a%').count, known.where(user: %w[alice bob x]).count,
       known.where(port: 1..70_000).count, known.where.not(user: 'bob').count,
       known.where(user: 'alice').or(known.where(user: 'bob')).count)
  said('joined', known.joins(:connections).count, known.left_joins(:connections).group(:user).count.sort)
  said('loaded', known.includes(:connections).map(&:user).sort, known.eager_load(:connections).map(&:user).sort)
  said('aggregates', known.minimum(:user), known.maximum(:user), known.average(:port).class, known.sum(:port) > 0)
  users = []
  known.find_each(batch_size: 2) { |session| users << session.user }
  said('in batches', users.sort)
  said('attributes', known.order(:user).first.attributes.map { |name, value| [name, value.class] })
  said('explained', known.explain.size.positive?)
end

[true, false].each do |prepared|
  ActiveRecord::Base.establish_connection(
    adapter: 'postgresql', host: ENV['PGHOST'], port: ENV['PGPORT'], username: ENV['PGUSER'],
    password: ENV['PGPASSWORD'], database: ENV['PGDATABASE'], prepared_statements: prepared
  )
  connection = ActiveRecord::Base.connection
  schema(connection) if prepared
  asked(Session.where(application_name: 'known'))
  values = "SELECT 1.5::numeric a, ARRAY[1,2] b, '{\"a\":1}'::jsonb c, interval '1 day 2:03:04' d, " \
           "'10.0.0.1'::inet e, true f, '2020-01-01'::date g, '\\x01'::bytea h, timestamp '2020-01-01 10:00' i"
  said('values', connection.select_all(values).cast_values)
  said('isolated', Session.transaction(isolation: :repeatable_read) { Session.where(id: -1).count })
  said('nested', Session.transaction { Session.transaction(requires_new: true) { Session.where(id: -1).count } })
  refused('division') { connection.select_value('SELECT 1/0') }
  refused('written') { Session.where(id: -1).update_all(service: 'x') }
  connection.reset!
  said('again', connection.select_value('SELECT 7'), connection.active?)
  connection.disconnect!
end
