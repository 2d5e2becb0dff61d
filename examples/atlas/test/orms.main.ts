import { catalogsRead } from '../../../test/support/catalog-read.ts'
import { parseDatabaseUrl } from '../src/database-target.ts'
import { compareOrms } from '../src/orms/compare-orms.ts'

/** Prints the comparison of the ORMs on a PostgreSQL database, for a test in another version of Node. */
const [url = '', region = ''] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await compareOrms(parseDatabaseUrl(url), region, catalogsRead)))
