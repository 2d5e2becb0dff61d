export { type Advice, advise } from './advisor/advise.ts'
export { candidatesOf } from './advisor/candidates.ts'
export { createPostgresqlIndex, type IndexSupposer } from './advisor/planners/postgresql-planner.ts'
