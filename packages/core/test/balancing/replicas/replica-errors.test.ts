import { describe, expect, it } from 'vitest'
import {
  kindOfReplicaError,
  NotCurrentError,
  replicaErrorOfCode,
} from '../../../src/balancing/replicas/replica-errors.ts'

const server = (errno: number, sqlState = 'HY000', code = 'ER_SOMETHING') => ({ errno, sqlState, code })

describe('kindOfReplicaError', () => {
  it.each([
    ['a refused connection', { code: 'ECONNREFUSED', errno: -111, fatal: true }],
    ['a lost connection of mysql2', { code: 'PROTOCOL_CONNECTION_LOST', fatal: true }],
    ['a connection that mysql2 does not get', { code: 'ETIMEDOUT', fatal: true }],
    ['a shutdown of MariaDB', server(1053, '08S01', 'ER_SERVER_SHUTDOWN')],
    ['too many connections', server(1040, '08004', 'ER_CON_COUNT_ERROR')],
    ['no admission', server(1045, '28000', 'ER_ACCESS_DENIED_ERROR')],
    ['a killed connection', server(1927, '70100', 'ER_CONNECTION_KILLED')],
    ['a shutdown of PostgreSQL', { code: '57P01' }],
    ['a connection of pg', new Error('Connection terminated unexpectedly')],
  ])('treats %s as a failure of the replica', (_, error) => {
    expect(kindOfReplicaError(error)).toBe('node')
  })

  it.each([
    ['a read-only server', server(1290, 'HY000', 'ER_OPTION_PREVENTS_STATEMENT')],
    ['a read-only transaction', server(1792, '25006', 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION')],
    ['a missing table', server(1146, '42S02', 'ER_NO_SUCH_TABLE')],
    ['a missing column', server(1054, '42S22', 'ER_BAD_FIELD_ERROR')],
    ['a dead-lock', server(1213, '40001', 'ER_LOCK_DEADLOCK')],
    ['a number that nobody knows', server(4999)],
    ['a replica that is not far enough', new NotCurrentError()],
  ])('retries on the primary after %s', (_, error) => {
    expect(kindOfReplicaError(error)).toBe('again')
  })

  it.each([
    ['a syntax error', server(1064, '42000', 'ER_PARSE_ERROR')],
    ['too many rows', server(1242, '21000', 'ER_SUBQUERY_NO_1_ROW')],
    ['a query that took too long', server(1969, '70100', 'ER_STATEMENT_TIMEOUT')],
    ['a number out of range', server(1690, '22003', 'ER_DATA_OUT_OF_RANGE')],
    ['a syntax error of PostgreSQL', { code: '42601' }],
  ])('treats %s as the result', (_, error) => {
    expect(kindOfReplicaError(error)).toBe('answer')
  })
})

describe('replicaErrorOfCode', () => {
  it.each([
    ['1053', 'node'],
    ['45028', 'node'],
    ['57P01', 'node'],
    ['1290', 'again'],
    ['42P01', 'again'],
    ['1064', 'answer'],
    ['42601', 'answer'],
  ])('reads %s as %s', (code, kind) => {
    expect(replicaErrorOfCode(code)).toBe(kind)
  })
})
