// The cost of Sluice for requests in which it gains nothing: scopes of 1, 5 and 20 queries, compared with the
// same app without Sluice, and with other tools that trace queries.
import { serveContender } from './harness.ts'
import { contenders, ORMS } from './overhead/contenders.ts'
import { PROGRAMS } from './overhead/programs.ts'
import { DATABASES, selectionFrom } from './overhead/selection.ts'

const everybody = ORMS.flatMap((orm) =>
  DATABASES.flatMap((database) => PROGRAMS.flatMap((program) => contenders(orm, database, program))),
)

// Contenders load drivers only after their peers, which patch them.
if (!(await serveContender(everybody))) {
  const { isPage, servePage } = await import('./overhead/pages.ts')
  if (isPage()) await servePage()
  else await (await import('./overhead/run.ts')).runOverhead(selectionFrom(process.argv.slice(2)))
}
