<?php

/**
 * Sends the zones of all domains to the name server.
 */
class Modules_Nsbridge_Task_SyncAll extends pm_LongTask_Task
{
    public const ID = 'sync-all';

    /** How many zones one call brings: it must end well before the deadline of a call. */
    private const ZONES = 20;

    public $trackProgress = true;

    public function getId()
    {
        return self::ID;
    }

    public function run()
    {
        $names = Modules_Nsbridge_Zones::names();
        $counts = ['done' => 0, 'waiting' => 0, 'failed' => 0, 'left' => 0];
        $done = 0;
        foreach (array_chunk($names, self::ZONES) as $part) {
            $updates = [];
            foreach ($part as $name) {
                try {
                    $updates[] = Modules_Nsbridge_Zones::update($name);
                } catch (pm_Exception $error) {
                    $counts['left']++;
                    pm_Log::info("nsbridge: {$error->getMessage()}");
                }
            }
            if ($updates) {
                $input = json_encode($updates, JSON_INVALID_UTF8_SUBSTITUTE);
                $document = Modules_Nsbridge_Program::ask(['plesk'], $input);
                if (!$document['results']) {
                    throw new pm_Exception(Modules_Nsbridge_Words::messages($document));
                }
                foreach ($document['results'] as $result) {
                    $counts[self::kind($result)]++;
                }
            }
            $done += count($part);
            foreach ($counts as $name => $count) {
                $this->setParam($name, $count);
            }
            $this->updateProgress((int) (100 * $done / count($names)));
        }
    }

    public function statusMessage()
    {
        if ($this->getStatus() === self::STATUS_ERROR) {
            return pm_Locale::lmsg('syncAllFailed', ['cause' => (string) $this->getParam('cause', '')]);
        }
        $counts = [];
        foreach (['done', 'waiting', 'failed', 'left'] as $name) {
            $counts[$name] = (string) $this->getParam($name, 0);
        }
        return pm_Locale::lmsg('syncAllCounts', $counts);
    }

    public function onError(Exception $e)
    {
        $this->setParam('cause', $e->getMessage());
    }

    private static function kind(array $result): string
    {
        if (($result['result'] ?? '') !== 'failed') {
            return 'done';
        }
        return ($result['state'] ?? '') === 'waiting' ? 'waiting' : 'failed';
    }
}
