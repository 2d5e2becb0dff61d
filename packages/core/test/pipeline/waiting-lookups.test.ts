import { describe, expect, it } from 'vitest'
import { Scope } from '../../src/pipeline/scope.ts'
import { WaitingLookups } from '../../src/pipeline/waiting-lookups.ts'

const scopeOf = (name: string) => new Scope(name, 'optimize', 0)

function world() {
  const lookups = new WaitingLookups()
  const sent: string[] = []
  const [a, b] = [scopeOf('a'), scopeOf('b')]
  const wait = (scope: Scope, source: string, name: string) => {
    const dispatch = () => {
      if (lookups.remove(scope, source, dispatch)) sent.push(name)
    }
    lookups.add(scope, source, dispatch)
    return dispatch
  }
  return { lookups, sent, a, b, wait }
}

describe('WaitingLookups', () => {
  it('sends the lookups of every client that wait in a scope', () => {
    const { lookups, sent, a, b, wait } = world()
    wait(a, 'knex1', 'a of knex')
    wait(a, 'prisma1', 'a of prisma')
    wait(b, 'knex1', 'b of knex')
    lookups.dispatchIn(a)
    expect(sent).toEqual(['a of knex', 'a of prisma'])
  })

  it('sends the lookups of one client that wait in any scope', () => {
    const { lookups, sent, a, b, wait } = world()
    wait(a, 'knex1', 'a of knex')
    wait(a, 'prisma1', 'a of prisma')
    wait(b, 'knex1', 'b of knex')
    lookups.dispatchOf('knex1')
    expect(sent).toEqual(['a of knex', 'b of knex'])
  })

  it('sends a group once', () => {
    const { lookups, sent, a, wait } = world()
    const dispatch = wait(a, 'knex1', 'a')
    lookups.dispatchIn(a)
    lookups.dispatchOf('knex1')
    dispatch()
    expect(sent).toEqual(['a'])
  })

  it('sends nothing outside of scopes', () => {
    const { lookups, sent, a, wait } = world()
    wait(a, 'knex1', 'a')
    lookups.dispatchIn(undefined)
    expect(sent).toEqual([])
  })

  it('sends what waits before the lookups first, in every scope', () => {
    const sent: string[] = []
    const lookups: WaitingLookups = new WaitingLookups(() => {
      sent.push('first')
      if (sent.length > 1) return
      // A read that was sent can join a group.
      const scope = scopeOf('a')
      lookups.add(scope, 'knex1', () => sent.push('a of knex'))
    })
    lookups.dispatchOf('knex1')
    expect(sent).toEqual(['first', 'a of knex'])
    lookups.dispatchIn(undefined)
    expect(sent).toEqual(['first', 'a of knex', 'first'])
  })
})
