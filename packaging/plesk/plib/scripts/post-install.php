<?php

// Plesk runs this after an installation and after each upgrade, as root or as the user of the panel.

pm_Loader::registerAutoload();
pm_Context::init('nsbridge');

// What fails here is shown by the pages and by selftest.php, too: an installation that is there can say what is wrong.
$steps = [
    [Modules_Nsbridge_Program::class, 'path'],
    [Modules_Nsbridge_Configuration::class, 'state'],
    [Modules_Nsbridge_Worker::class, 'schedule'],
    static function () {
        if (!Modules_Nsbridge_Slot::claim()) {
            echo pm_Locale::lmsg('slotForeign', ['holder' => Modules_Nsbridge_Slot::holder()]) . "\n";
        }
    },
];
foreach ($steps as $step) {
    try {
        $step();
    } catch (pm_Exception $error) {
        echo $error->getMessage() . "\n";
    }
}
exit(0);
