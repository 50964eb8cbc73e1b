# DBD::Pg: what DBI asks of the catalog for it, parameters, COPY, arrays, savepoints and what it knows of results.
use strict;
use warnings;
use Data::Dumper;
use DBI qw(:sql_types);

$Data::Dumper::Indent   = 0;
$Data::Dumper::Sortkeys = 1;
$Data::Dumper::Terse    = 1;
$| = 1;

my $db = DBI->connect( 'dbi:Pg:', '', '', { PrintError => 0, RaiseError => 1 } );

sub said {
    my ( $label, @values ) = @_;
    print "$label: ", join( ' | ', map { Dumper($_) } @values ), "\n";
}

# A line for each row, in an order of their own: the catalog's is anybody's.
sub rows {
    my ( $label, $statement ) = @_;
    return said( $label, undef ) unless $statement;
    my @lines;
    while ( my $row = $statement->fetchrow_hashref ) {
        push @lines, Dumper($row);
    }
    print map { "$label: $_\n" } sort @lines;
    print "$label: ", scalar(@lines), " rows\n";
}

sub refused {
    my ( $label, $action ) = @_;
    eval { $action->(); 1 } and return said( $label, 'not refused' );
    said( $label, $db->state );
}

rows( 'tables',  $db->table_info( '',  'public', '%',     'TABLE' ) );
rows( 'by name', $db->table_info( '',  '',       'sess%', '' ) );
rows( 'catalogs', $db->table_info( '%', '', '', '' ) );
rows( 'types', $db->table_info( '', '', '', '%' ) );
said( 'names', sort $db->tables( '', 'public', '', 'TABLE' ) );
for my $table (qw(sessions connections queries)) {
    rows( "columns of $table", $db->column_info( '', 'public', $table, '%' ) );
    rows( "key of $table", $db->primary_key_info( '', 'public', $table ) );
    said( "key columns of $table", $db->primary_key( '', 'public', $table ) );
    rows( "foreign keys of $table", $db->foreign_key_info( '', '', '', '', 'public', $table ) );
    rows( "foreign keys to $table", $db->foreign_key_info( '', 'public', $table, '', '', '' ) );
}
said( 'type_info', scalar @{ $db->type_info_all } );
said( "info $_", $db->get_info($_) ) for ( 6, 17, 28, 29, 41, 45, 114 );

my $of_id = $db->prepare('SELECT id, "user", connected, idle, tls FROM sessions WHERE id = ?');
$of_id->execute(-1);
said( $_, $of_id->{$_} ) for qw(NAME TYPE PRECISION SCALE pg_type NUM_OF_FIELDS NUM_OF_PARAMS);
$of_id->finish;
my $named = $db->prepare('SELECT :a::int + :b::int, :c::text');
$named->bind_param( ':a', 1 );
$named->bind_param( ':b', 2, SQL_INTEGER );
$named->bind_param( ':c', "it's" );
$named->execute;
said( 'named', $named->fetchall_arrayref );
my $listed = $db->prepare('SELECT "user" FROM sessions WHERE application_name = \'known\' AND "user" = ANY(?) ORDER BY 1');
$listed->execute( [ 'alice', 'carol', 'nobody' ] );
said( 'listed', $listed->fetchall_arrayref );
said( 'values', $db->selectrow_array(q{SELECT ARRAY[1,2], ARRAY['a',NULL,'b c'], true, '\x0102'::bytea, 1.50::numeric, NULL}) );
said( 'many rows', scalar @{ $db->selectall_arrayref('SELECT g FROM generate_series(1, 3000) g') } );

$db->do(q{COPY (SELECT 1, 'a' UNION ALL SELECT 2, NULL ORDER BY 1) TO STDOUT});
my ( $line, @copied ) = ('');
push @copied, $line while $db->pg_getcopydata($line) >= 0;
said( 'copied', @copied );

$db->begin_work;
said( 'in a transaction', $db->ping );
$db->pg_savepoint('before');
refused( 'division', sub { $db->do('SELECT 1/0') } );
said( 'failed', $db->ping );
$db->pg_rollback_to('before');
$db->pg_release('before');
said( 'again', $db->selectrow_array('SELECT 1') );
$db->commit;
said( 'idle', $db->ping );
my $later = $db->prepare( 'SELECT 7', { pg_async => 1 } );
$later->execute;
said( 'asynchronous', $db->pg_result, $later->fetchall_arrayref );
said( 'quoted', $db->quote("a'b\\c"), $db->quote_identifier( 'public', 'x y' ), $db->quote( [ 1, 'a' ] ) );
refused( 'no column', sub { $db->selectall_arrayref('SELECT nothing FROM sessions') } );
said( 'position', $db->pg_error_field('pg_diag_statement_position') );
refused( 'writing', sub { $db->do('DELETE FROM sessions') } );
$db->disconnect;
