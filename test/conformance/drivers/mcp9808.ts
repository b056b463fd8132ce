import { mcp9808 } from '../../../drivers/mcp9808/mcp9808.ts';
import { Mcp9808Chip } from '../../../sim/chips/mcp9808.ts';
import { i2cSubject } from '../driver-i2c.ts';

export const subject = i2cSubject({
  driver: mcp9808,
  chip: (surroundings) => new Mcp9808Chip(surroundings),
  // An MCP9804.
  impostor: (surroundings) => new Mcp9808Chip({ ...surroundings, deviceId: 0x0200 }),
  truths: [
    { temperature: 21.5 },
    { temperature: -40 },
    { temperature: -0.0625 },
    { temperature: 0 },
    { temperature: 33.7 },
    { temperature: 125 },
  ],
  beyond: [{ temperature: -41 }, { temperature: 126 }, { temperature: 300 }],
  // In its settings a wrong bit looks like a chip that was without power, and then in its ids like another chip.
  garbled: ['SENSOR_UNKNOWN'],
});
