import assert from 'node:assert/strict';
import type { SourceConfig } from '../../config/sources/types.ts';
import { BuoyJsonFormat } from '../../formats/buoy-json/buoy-json.ts';
import { FlatJsonFormat } from '../../formats/flat-json/flat-json.ts';
import type { Format } from '../../formats/format.ts';
import { LinesFormat } from '../../formats/lines/lines.ts';
import { LorawanFormat } from '../../formats/lorawan/lorawan.ts';
import { MappingFormat } from '../../formats/mapping/mapping.ts';
import { loadMapping } from '../../formats/mapping/mapping-file.ts';
import { SenmlFormat } from '../../formats/senml/senml.ts';
import { TimeZone } from '../../formats/time-zone.ts';

/** What reads the messages of a source. Throws `CONFIG_UNREADABLE` or `CONFIG_INVALID` for a mapping. */
export function formatOfSource(
  source: Pick<SourceConfig, 'format' | 'zone' | 'lenient' | 'split' | 'mapping'>,
): Format {
  const { format, lenient, split, mapping } = source;
  const zone = source.zone === undefined ? undefined : new TimeZone(source.zone);
  switch (format) {
    case 'senml':
      return new SenmlFormat({ split });
    case 'flat-json':
      return new FlatJsonFormat({ zone, ...(lenient === undefined ? {} : { lenient }) });
    case 'buoy-json':
      return new BuoyJsonFormat({ zone });
    case 'lorawan':
      return new LorawanFormat();
    case 'lines':
      return new LinesFormat({ zone });
    case 'mapping':
      assert(mapping !== undefined, 'the configuration is checked');
      return new MappingFormat(loadMapping(mapping, { zone }));
  }
}
