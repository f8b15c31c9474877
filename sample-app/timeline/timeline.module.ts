import { Module } from '@nestjs/common';
import { Timeline } from './timeline.js';

/** Apart from the rest of the app: the library tells its events before there is an app to speak of. */
@Module({ providers: [Timeline], exports: [Timeline] })
export class TimelineModule {}
