import { cities } from '../../lib/cities.js'
import { scoped } from '../../lib/scoped.js'

export const dynamic = 'force-dynamic'

async function Page() {
  const rows = await cities()
  return (
    <ul>
      {rows.map(({ name, region }) => (
        <li key={name}>
          {name} in {region}
        </li>
      ))}
    </ul>
  )
}

export default scoped('/cities', Page)
