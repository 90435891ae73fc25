<?php

class Modules_Nsbridge_Notification_HeldByMail extends pm_Notifications_EmailNotification
{
    public function getTitle()
    {
        return pm_Locale::lmsg('heldTitle');
    }

    public function getSubject()
    {
        return pm_Locale::lmsg('heldTitle');
    }

    public function getMessage()
    {
        return pm_Locale::lmsg('heldMessage');
    }

    public function sendToAdmin()
    {
        return true;
    }

    public function sendToReseller()
    {
        return false;
    }

    public function sendToCustomer()
    {
        return false;
    }
}
