import Sqlite from 'better-sqlite3'

/** A process that holds the write lock of a file until it is asked to release it. */
const database = new Sqlite(process.argv[2] ?? '')
database.exec('BEGIN IMMEDIATE')
process.stdout.write('held')
process.stdin.once('data', () => {
  database.exec('COMMIT')
  database.close()
  process.exit(0)
})
// The parent process is gone.
process.stdin.on('end', () => process.exit(1))
