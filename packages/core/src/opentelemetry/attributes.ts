import type { Attributes } from '@opentelemetry/api'
import type { Scope } from '../pipeline/scope.ts'
import { requestName } from '../shared/request-name.ts'
import type { AnalyzedSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import { summarizeStatement } from '../sql/statement.ts'

/** https://opentelemetry.io/docs/specs/semconv/http/; `undefined` for a scope that is no HTTP request. */
export function requestAttributes({ name, statusCode }: Pick<Scope, 'name' | 'statusCode'>): Attributes | undefined {
  const request = requestName(name)
  if (request === undefined) return undefined
  return {
    'http.request.method': request.method,
    ...(request.route === undefined ? {} : { 'http.route': request.route }),
    ...(statusCode === undefined ? {} : { 'http.response.status_code': statusCode }),
    ...(statusCode !== undefined && statusCode >= 500 ? { 'error.type': String(statusCode) } : {}),
  }
}

/** https://opentelemetry.io/docs/specs/semconv/database/; without the text. */
export function statementAttributes(dialect: Dialect, { statement }: AnalyzedSql): Attributes {
  const { operation, table, summary } = summarizeStatement(statement)
  return {
    'db.system.name': dialect,
    ...(operation === '' ? {} : { 'db.operation.name': operation }),
    ...(table === '' ? {} : { 'db.collection.name': table }),
    ...(summary === '' ? {} : { 'db.query.summary': summary }),
  }
}
