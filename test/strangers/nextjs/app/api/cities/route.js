import { cities } from '../../../lib/cities.js'
import { scoped } from '../../../lib/scoped.js'

export const dynamic = 'force-dynamic'

export const GET = scoped('GET /api/cities', async () => Response.json(await cities()))
