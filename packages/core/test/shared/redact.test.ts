import { describe, expect, it } from 'vitest'
import { redact, redactUrl } from '../../src/shared/redact.ts'

describe('redact', () => {
  it.each([
    ['postgres://ann:s3cret@db:5432/app', 'postgres://ann:***@db:5432/app'],
    ['postgres://ann:s3@cret@db/app', 'postgres://ann:***@db/app'],
    ['postgres://ann:s3/c?r#et@db/app', 'postgres://ann:***@db/app'],
    ['postgresql://ann:s3cret@a:1,b:2/app', 'postgresql://ann:***@a:1,b:2/app'],
    ['postgresql://ann:s3%40cret@%2Ftmp%2Fpg/app', 'postgresql://ann:***@%2Ftmp%2Fpg/app'],
    ['postgresql:///app?host=/tmp&user=ann&password=s3cret&x=1', 'postgresql:///app?host=/tmp&user=ann&password=***&x=1'],
    ['mysql2://root:s3cret@db/app', 'mysql2://root:***@db/app'],
    ['jdbc:mysql://root:s3cret@db/app', 'jdbc:mysql://root:***@db/app'],
    ['redis://:s3cret@cache:6379', 'redis://:***@cache:6379'],
    ['rediss://default:s3cret@cache:6379/0', 'rediss://default:***@cache:6379/0'],
    ['https://s3cret@api.example/', 'https://***@api.example/'],
    ['ann:s3cret@db/app', 'ann:***@db/app'],
    ['host=db user=ann password=s3cret dbname=app', 'host=db user=ann password=*** dbname=app'],
    [`host=db password='s3 cr\\'et' dbname=app`, 'host=db password=*** dbname=app'],
    ['file:app.db?key=s3cret&mode=ro', 'file:app.db?key=***&mode=ro'],
    ['https://hooks.example/?token=s3cret', 'https://hooks.example/?token=***'],
    ['https://hooks.example/?api_key=s3cret&sig=s3cret', 'https://hooks.example/?api_key=***&sig=***'],
    ['Cannot reach "postgres://ann:s3cret@db/app" (ECONNREFUSED)', 'Cannot reach "postgres://ann:***@db/app" (ECONNREFUSED)'],
    ['{"url":"redis://:s3cret@a","password":"s3cret"}', '{"url":"redis://:***@a","password":***}'],
  ])('shows no password of %s', (text, shown) => {
    expect(redact(text)).toBe(shown)
    expect(redact(text)).not.toMatch(/s3|cret/)
  })

  it.each([
    'postgres://db:5432/app',
    'Connect to http://localhost:3000/a?monkey=1',
    '127.0.0.1:5432',
    'SELECT a::int FROM t WHERE b = @x',
    'file:dev.db',
    'a primary key (id)',
    'ann@example.com',
    'tokens: 5',
  ])('leaves %s unchanged', (text) => {
    expect(redact(text)).toBe(text)
  })

  it('takes linear time', () => {
    for (const part of ['a:', 'a://', 'a:b', '@', "password='", 'password', 'key=', 'a.b-'])
      expect(redact(part.repeat(20_000)).length).toBeGreaterThan(0)
  })
})

describe('redactUrl', () => {
  it('shows the scheme and the host of a webhook, whose path and query are secrets', () => {
    expect(redactUrl('https://ann:s3cret@hooks.example:8443/T0/t0ken?key=t0ken')).toBe('https://hooks.example:8443/***')
    expect(redactUrl('ann:s3cret@hooks')).not.toContain('s3cret')
  })
})
