import { library } from '../../tsdown.base.ts'

export default library({ index: 'src/index.ts' }, { target: 'node22.18' })
