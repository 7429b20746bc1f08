import { allMessages } from '@tenfold/contracts';
import { ensureTopics } from '@tenfold/jobs';
import { kafkaSettings, loadConfig } from '@tenfold/service';

await ensureTopics(loadConfig(kafkaSettings).KAFKA_BROKERS, allMessages);
