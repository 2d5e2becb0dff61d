import type { PrismaSchema } from '../../../packages/prisma/src/schema/prisma-schema.ts'
import type { Database } from '../../support/database.ts'
import { Random } from '../../support/random.ts'
import { FeaturePlan } from './feature-plan.ts'
import { planMysql } from './mysql-features.ts'
import { planPostgresql } from './postgresql-features.ts'
import { planSqlite } from './sqlite-features.ts'

/** Features for a database with these models. Equal for equal seeds. */
export function planFeatures(schema: PrismaSchema, { dialect, url }: Database, seed: number): FeaturePlan {
  const plan = new FeaturePlan(schema, dialect, new Random(seed))
  if (dialect === 'postgresql') planPostgresql(plan, new URL(url).pathname.slice(1))
  else if (dialect === 'mysql') planMysql(plan, new URL(url).pathname.slice(1))
  else planSqlite(plan)
  return plan
}
